"""A GradBench tool: funcgrad's answers to the twelve evaluations, over JSON lines."""
