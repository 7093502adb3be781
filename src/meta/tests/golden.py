"""Meta-gradients of a small regression by PyTorch, in double precision: what golden.rs compares ours with.

    pip install torch
    python src/meta/tests/golden.py > src/meta/tests/golden.json

Model, tasks and rates are sines of their places, so that both programs make the same ones.
"""

import json
import math

import torch
from torch.func import grad

torch.set_default_dtype(torch.float64)
INPUTS, HIDDEN, TASKS, SUPPORT, QUERY = 3, 6, 3, 5, 4


def sines(count, phase):
    return torch.tensor([math.sin(1.7 * place + phase) for place in range(count)])


def start():
    return {
        "body": sines(INPUTS * HIDDEN, 0.1).reshape(INPUTS, HIDDEN),
        "bias": sines(HIDDEN, 0.2),
        "head": sines(HIDDEN, 0.3).reshape(HIDDEN, 1),
    }


def points(task, count, phase):
    x = sines(count * INPUTS, phase + task).reshape(count, INPUTS)
    return x, 1.5 * math.cos(task + 0.5) * x[:, :1]


def loss(theta, data):
    x, y = data
    return ((torch.tanh(x @ theta["body"] + theta["bias"]) @ theta["head"] - y) ** 2).mean()


def sgd(_, gradient, state):
    return gradient, state


def momentum(_, gradient, state):
    state = gradient if state is None else 0.7 * state + gradient
    return state, state


def adam(step, gradient, state):
    first, second = (0.0, 0.0) if state is None else state
    first, second = 0.6 * first + 0.4 * gradient, 0.8 * second + 0.2 * gradient**2
    root = torch.sqrt(second / (1 - 0.8**step) + 0.5**2)
    return first / (1 - 0.6**step) / root, (first, second)


def adapted(theta, rates, batches, moving, steps, optimizer, first_order=False):
    """Fast weights; rates are multipliers by name and step, or None for 1. In first order gradients are constants."""
    phi, state, step = dict(theta), {name: None for name in moving}, 0
    for inner in range(steps):
        for data in batches:
            step += 1
            gradient = grad(loss)(phi, data)
            if first_order:
                gradient = {name: value.detach() for name, value in gradient.items()}
            for name in moving:
                along, state[name] = optimizer(step, gradient[name], state[name])
                rate = 0.1 if rates is None else 0.1 * rates[name][inner]
                phi = {**phi, name: phi[name] - rate * along}
    return phi


def listed(gradient):
    return {name: value.flatten().tolist() for name, value in gradient.items()}


def total(parts):
    return {name: sum(part[name] for part in parts) for name in parts[0]}


def case(name, moving, steps, estimator, optimizer, rates):
    theta, everything = start(), ("body", "bias", "head")
    multipliers = None
    if rates == "tensor":
        multipliers = {
            one: [1.0 + 0.3 * math.sin(step + at) for step in range(steps)] for at, one in enumerate(moving)
        }
        multipliers = {one: torch.tensor(value) for one, value in multipliers.items()}
    if rates == "element":
        sizes = {one: theta[one].shape for one in moving}
        multipliers = {one: (1.0 + 0.3 * sines(theta[one].numel(), 0.7)).reshape(1, *sizes[one]) for one in moving}
    optimizers = {"sgd": sgd, "momentum": momentum, "adam": adam}
    of_model, of_rates, losses = [], [], []
    for task in range(TASKS):
        support, query = points(task, SUPPORT, 0.4), points(task, QUERY, 0.9)

        def meta(theta, multipliers):
            first_order = estimator == "first_order"
            phi = adapted(theta, multipliers, [support], moving, steps, optimizers[optimizer], first_order)
            return loss(phi, query)

        phi = adapted(theta, multipliers, [support], moving, steps, optimizers[optimizer])
        if estimator == "exact":
            of_model.append(grad(meta)(theta, multipliers))
        if estimator == "first_order":
            of_model.append(grad(loss)(phi, query))
        if multipliers is not None:
            of_rates.append(grad(meta, argnums=1)(theta, multipliers))
        if estimator == "reptile":
            phi = adapted(theta, multipliers, [support, query], moving, steps, optimizers[optimizer])
            of_model.append({one: theta[one] - phi[one] for one in everything})
        losses.append(loss(phi, query).item())
    return {
        "name": name,
        "moving": list(moving),
        "steps": steps,
        "estimator": estimator,
        "optimizer": optimizer,
        "rates": rates,
        "query_loss": losses,
        "model": listed(total(of_model)),
        "state": listed(total(of_rates)) if of_rates else {},
    }


def main():
    everything, head = ("body", "bias", "head"), ("head",)
    cases = []
    for steps in (1, 5):
        cases.append(case(f"MAML, {steps} steps", everything, steps, "exact", "sgd", None))
        cases.append(case(f"ANIL, {steps} steps", head, steps, "exact", "sgd", None))
        cases.append(case(f"first-order MAML, {steps} steps", everything, steps, "first_order", "sgd", None))
        cases.append(case(f"Reptile, {steps} steps", everything, steps, "reptile", "sgd", None))
    cases.append(case("Meta-SGD", everything, 1, "exact", "sgd", "element"))
    cases.append(case("MAML, rates of tensors and steps", everything, 3, "exact", "sgd", "tensor"))
    cases.append(case("ANIL, rates of tensors and steps", head, 3, "exact", "sgd", "tensor"))
    cases.append(case("first-order MAML, rates of tensors and steps", everything, 3, "first_order", "sgd", "tensor"))
    cases.append(case("first-order MAML, rates, adam", everything, 3, "first_order", "adam", "tensor"))
    for optimizer in ("momentum", "adam"):
        cases.append(case(f"MAML, {optimizer}", everything, 3, "exact", optimizer, None))
        cases.append(case(f"ANIL, {optimizer}", head, 3, "exact", optimizer, None))
    cases.append(case("Reptile, adam", everything, 3, "reptile", "adam", None))
    print(f'{{"torch": "{torch.__version__}", "cases": [')
    print(",\n".join(json.dumps(case) for case in cases))
    print("]}")


if __name__ == "__main__":
    main()
