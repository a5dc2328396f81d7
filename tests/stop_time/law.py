"""The law of the stop: time = constant + sum of (cost of one x number of x), by least squares."""


def solve(matrix, right):
    """Gauss with pivots; the matrix is small and regular."""
    rows = [row[:] + [value] for row, value in zip(matrix, right)]
    size = len(rows)
    for column in range(size):
        pivot = max(range(column, size), key=lambda row: abs(rows[row][column]))
        rows[column], rows[pivot] = rows[pivot], rows[column]
        for row in range(size):
            if row != column:
                factor = rows[row][column] / rows[column][column]
                rows[row] = [a - factor * b for a, b in zip(rows[row], rows[column])]
    return [rows[i][size] / rows[i][i] for i in range(size)]


class Law:
    """Fitted to measured stops; each residual counts by its share of the stop, so that short ones count as long ones."""

    def __init__(self, stops, terms):
        self.terms = [term for term in terms if len({stop[term] for stop in stops}) > 1]
        factors = [[1.0] + [stop[term] for term in self.terms] for stop in stops]
        weights = [1.0 / stop["stop_us"] ** 2 for stop in stops]
        size = range(1 + len(self.terms))
        matrix = [[sum(w * f[i] * f[j] for w, f in zip(weights, factors)) for j in size] for i in size]
        right = [sum(w * f[i] * stop["stop_us"] for w, f, stop in zip(weights, factors, stops)) for i in size]
        self.constant_us, *costs = solve(matrix, right)
        self.cost_us = dict(zip(self.terms, costs))
        self.worst_share = max(abs(self.at(stop) / stop["stop_us"] - 1) for stop in stops)
        self.worst_us = max(abs(self.at(stop) - stop["stop_us"]) for stop in stops)

    def at(self, stop):
        return self.constant_us + sum(cost * stop[term] for term, cost in self.cost_us.items())

    def __str__(self):
        parts = [f"{self.constant_us:.1f} us"] + [f"{cost:.3f} us x {term.replace('_', ' ')}"
                                                  for term, cost in self.cost_us.items()]
        return " + ".join(parts) + f"   (worst: {100 * self.worst_share:.0f} % or {self.worst_us:.0f} us off)"
