"""How the reference scripts write numbers."""


def digits(values, count=9):
    return [float(f"{float(v):.{count}g}") for v in values]
