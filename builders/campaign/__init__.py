"""Many runs: what to simulate next, and on which workers."""
