"""Swing a pendulum up, with a motor too weak to lift it, by the gradient through a simulator.

    python examples/pendulum.py [pendulum.png]

A hundred torques are the unknowns; the derivative of the last state by all of them comes in one backward pass through
the simulation.
"""

import sys

import numpy as np

import funcgrad as fg
import funcgrad.numpy as fnp

STEPS, DT, GRAVITY, STRONGEST = 100, 0.05, 9.81, 3.0


def simulate(torques):
    """Return the states (angle from below, speed) after each torque."""

    def step(state, torque):
        angle, speed = state
        # Symplectic Euler: the speed first, so that energy does not grow by itself.
        speed = speed + DT * (STRONGEST * fnp.tanh(torque) - GRAVITY * fnp.sin(angle) - 0.1 * speed)
        angle = angle + DT * speed
        return (angle, speed), fnp.stack([angle, speed])

    return fg.scan(step, (0.0, 0.0), torques)[1]


def cost(torques):
    angle, speed = simulate(torques)[-1]
    return (1 + fnp.cos(angle)) * 10 + 0.5 * speed**2 + 1e-3 * fnp.sum(torques**2)


def main():
    both = fg.jit(fg.value_and_grad(cost))
    torques = 0.3 * np.sin(
        np.arange(STEPS) * DT * np.sqrt(GRAVITY)
    )  # a first push, in the pendulum's own rhythm
    found = fg.scipy.optimize.minimize(cost, torques, method="L-BFGS-B", options={"maxiter": 500})
    value, slope = both(found.x)
    angle, speed = simulate(found.x)[-1]
    print(
        f"cost {both(torques)[0]:.3f} -> {value:.4f} in {found.nit} steps; gradient {np.abs(slope).max():.0e}"
    )
    print(f"at the end {np.degrees(np.pi - abs(angle)):.1f} degrees from the top, speed {speed:.3f}")
    assert abs(np.pi - abs(angle)) < 0.1
    if len(sys.argv) > 1:
        import matplotlib

        matplotlib.use("Agg")
        import matplotlib.pyplot as plt

        time = DT * np.arange(1, STEPS + 1)
        plt.plot(time, np.degrees(simulate(found.x)[:, 0]), label="angle, degrees")
        plt.plot(time, 30 * STRONGEST * np.tanh(found.x), label="torque, x30")
        plt.axhline(180, color="grey", lw=0.5)
        plt.axhline(-180, color="grey", lw=0.5)
        plt.xlabel("seconds")
        plt.legend()
        plt.savefig(sys.argv[1], dpi=100)


if __name__ == "__main__":
    main()
