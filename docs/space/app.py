"""The explorer as a Hugging Face Space."""

from binlj.explorer import build

demo = build()

if __name__ == "__main__":
    demo.launch(footer_links=[])
