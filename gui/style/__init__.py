"""How everything looks: colours, texts, small widgets."""
