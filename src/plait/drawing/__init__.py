"""Drawing: pictures from a flow, step by step."""
