"""The fit finds a law that is there, and says how far off measurements are."""
from law import Law


def stops(noise):
    return [{"stop_us": 12 + 1.5 * dirty + 11 * tcb + noise * (dirty % 7), "dirty": dirty, "tcb": tcb, "other": 5}
            for dirty in (10, 100, 1000, 10000) for tcb in (1, 2, 50)]


law = Law(stops(0), ["dirty", "tcb", "other"])
assert abs(law.constant_us - 12) < 1e-6 and law.worst_us < 1e-6, law
assert abs(law.cost_us["dirty"] - 1.5) < 1e-9 and abs(law.cost_us["tcb"] - 11) < 1e-6, law
assert "other" not in law.cost_us, "what never changes has no cost of its own"
assert Law(stops(3), ["dirty", "tcb"]).worst_us > 1
