"""Live connections over time: sampled, compared with what is usual, judged calm, busy or stormy."""
