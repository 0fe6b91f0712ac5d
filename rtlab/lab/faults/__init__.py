"""The fault lab: everything that goes wrong on a network, on purpose and from a seed, and the proof of what it cost."""
