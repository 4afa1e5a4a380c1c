"""Fit the Lotka-Volterra equations to twenty-one years of hare and lynx pelts.

    python examples/fit_ode.py [fit.png]

The Hudson's Bay Company counted pelts, in thousands, from 1900 to 1920 (Elton and Nicholson, 1942; the numbers as in
Howard, 2009). The equations' four rates and the two first populations are found by least squares on logarithms, with
gradients through every step of the integrator.
"""

import sys

import numpy as np

import funcgrad as fg
import funcgrad.numpy as fnp

YEARS = np.arange(1900.0, 1921.0)
HARES = np.array([30, 47.2, 70.2, 77.4, 36.3, 20.6, 18.1, 21.4, 22, 25.4, 27.1, 40.3, 57, 76.6, 52.3, 19.5, 11.2, 7.6,
                  14.6, 16.2, 24.7])  # fmt: skip
LYNXES = np.array([4, 6.1, 9.8, 35.2, 59.4, 41.7, 19, 13, 8.3, 9.1, 7.4, 8, 12.3, 19.5, 45.7, 51.1, 29.7, 15.8, 9.7,
                   10.1, 8.6])  # fmt: skip
COUNTS = np.stack([HARES, LYNXES])


def rates(t, y, birth, eaten, death, growth):
    hares, lynxes = y[0], y[1]
    return fnp.array([birth * hares - eaten * hares * lynxes, growth * hares * lynxes - death * lynxes])


def populations(log_params, years=YEARS):
    """The model's populations at the given years; parameters are positive, so their logarithms are fitted."""
    p = fnp.exp(log_params)
    solved = fg.scipy.integrate.solve_ivp(
        rates,
        (years[0], years[-1]),
        p[4:],
        t_eval=years[1:],
        args=(p[0], p[1], p[2], p[3]),
        rtol=1e-8,
        atol=1e-8,
    )
    return fnp.concatenate([p[4:, None], solved.y], axis=1)


def loss(log_params):
    return fnp.sum((fnp.log(populations(log_params)) - np.log(COUNTS)) ** 2)


def main():
    start = np.log([0.5, 0.03, 0.8, 0.02, 30.0, 4.0])
    gradient = fg.jit(fg.grad(loss))
    found = fg.scipy.optimize.minimize(lambda p: loss(p), start, method="BFGS", options={"gtol": 1e-6})
    fitted = np.exp(found.x)
    for name, value in zip(
        ["birth", "eaten", "death", "growth", "hares in 1900", "lynxes in 1900"], fitted, strict=True
    ):
        print(f"{name:15} {value:8.4f}")
    print(
        f"sum of squares  {found.fun:8.4f} after {found.nit} steps of BFGS; gradient {np.abs(gradient(found.x)).max():.0e}"
    )
    assert found.fun < 0.35 * loss(start)
    if len(sys.argv) > 1:
        import matplotlib

        matplotlib.use("Agg")
        import matplotlib.pyplot as plt

        fine = np.linspace(1900, 1920, 400)
        for row, counts, name in zip(populations(found.x, fine), COUNTS, ["hares", "lynxes"], strict=True):
            (line,) = plt.plot(fine, row, label=name)
            plt.plot(YEARS, counts, "o", color=line.get_color())
        plt.ylabel("thousands of pelts")
        plt.legend()
        plt.savefig(sys.argv[1], dpi=100)


if __name__ == "__main__":
    main()
