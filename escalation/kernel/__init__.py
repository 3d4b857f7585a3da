"""The integer kernel: draws, looks up, compares and counts. Holds no model constant."""
