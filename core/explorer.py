"""The explorer: a page with four sliders that shows RDFs, phases and thermodynamics of any mixture.

A Gradio app, as Hugging Face Spaces run them; docs/space holds one. Nothing here is fetched from the network.
"""

from __future__ import annotations

import importlib.util
import os
from typing import TYPE_CHECKING

import click

from binlj.errors import InputError, MissingExtraError

if TYPE_CHECKING:
    import gradio as gr

TITLE = "RDFs of binary Lennard-Jones mixtures"
INTRO = (
    f"# {TITLE}\n"
    "Predicted radial distribution functions at P\\* = 1 with their standard deviations, by the theory fitted to the "
    "500 simulated states of binlj-rdf."
)
START = {"T": 0.7, "C_B": 0.25, "S": 1.25, "eps_AB": 0.9}
LABELS = {
    "T": "T*: temperature",
    "C_B": "C_B: mole fraction of B",
    "S": "S: size ratio B / A",
    "eps_AB": "ε_AB: cross energy",
}
STEP = 0.01
LIVE = "element.setAttribute('aria-live', 'polite');"  # screen readers say each new phase call
# Value under the pointer: the curves stand in the drawing, 100 bins from r = 0 to 10.
READ_OUT = """
element.addEventListener('pointermove', (event) => {
  for (const svg of element.querySelectorAll('svg.panel')) {
    const over = svg === event.target.closest('svg.panel');
    const box = svg.getBoundingClientRect();
    const at = (event.clientX - box.left) / box.width * %(width)d;
    const bin = Math.floor((at - %(left)d) / %(plot)d * 100);
    const inside = over && bin >= 0 && bin < 100;
    const cross = svg.querySelector('.cross'), read = svg.querySelector('.read');
    cross.style.visibility = inside ? 'visible' : 'hidden';
    read.textContent = '';
    if (!inside) continue;
    const x = %(left)d + (bin + 0.5) / 100 * %(plot)d;
    cross.setAttribute('x1', x); cross.setAttribute('x2', x);
    const [g, std] = ['g', 'std'].map((name) => Number(svg.dataset[name].split(',')[bin]));
    read.textContent = `r = ${((bin + 0.5) / 10).toFixed(2)}, g = ${g.toFixed(3)} ± ${std.toFixed(3)}`;
  }
});
"""


def answer(T: float, C_B: float, S: float, eps_AB: float) -> tuple[str, str]:
    """The phase call of one mixture and everything else about it, as HTML.

    Raises
    ------
    InputError
        If a value is missing or outside the dataset's ranges.
    """
    from binlj.explorer_html import page, phase_call
    from binlj.structure import rdf_and_thermo

    curves, facts = rdf_and_thermo(T, C_B, S, eps_AB)
    return phase_call(facts.iloc[0]), page(curves, facts.iloc[0])


def build() -> gr.Blocks:
    """The app, already showing one mixture.

    Raises
    ------
    MissingExtraError
        If Gradio is not installed.
    """
    if importlib.util.find_spec("gradio") is None:
        raise MissingExtraError("gradio", "app")
    os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")
    import gradio as gr

    from binlj.explorer_html import LEFT, RIGHT, STYLE, WIDTH
    from binlj.structure import RANGES

    def shown(*values: float) -> tuple[str, str]:
        try:
            return answer(*values)
        except InputError as error:
            raise gr.Error(str(error)) from None

    with gr.Blocks(title=TITLE, analytics_enabled=False) as demo:
        gr.Markdown(INTRO)
        with gr.Row():
            sliders = [
                gr.Slider(*RANGES[name], START[name], step=STEP, precision=2, label=label, elem_id=name)
                for name, label in LABELS.items()
            ]
        read_out = READ_OUT % {"width": WIDTH, "left": LEFT, "plot": WIDTH - LEFT - RIGHT}
        call, content = answer(**START)
        outputs = [
            gr.HTML(call, apply_default_css=False, js_on_load=LIVE, elem_id="call"),
            gr.HTML(content, apply_default_css=False, js_on_load=read_out, elem_id="answer"),
        ]
        gr.HTML(STYLE, apply_default_css=False)
        # While a slider moves, only its last value waits for an answer.
        gr.on(
            [slider.change for slider in sliders],
            shown,
            sliders,
            outputs,
            trigger_mode="always_last",
            show_progress="hidden",
            api_name="explore",
        )
    return demo


def serve(*, port: int, host: str = "127.0.0.1", share: bool = False, browser: bool = True) -> None:
    """Serve the app until it is interrupted.

    Raises
    ------
    MissingExtraError
        If Gradio is not installed.
    InputError
        If the port is taken, or the host is not one of this machine.
    """
    demo = build()
    try:
        _, local, public = demo.launch(
            server_name=host,
            server_port=port,
            share=share,
            inbrowser=browser,
            footer_links=[],
            quiet=True,
            prevent_thread_lock=True,
        )
    except OSError:
        problem = "cannot be opened: it is taken, or the host is not an address of this machine"
        raise InputError(f"port {port} of {host}", [problem], fix="choose another --port") from None
    click.echo("\n".join(filter(None, (local, public, "Ctrl-C ends it."))))
    demo.block_thread()
