"""Derivative of a sum of products, each of them pooled with a weight.

A polynomial is a dictionary from products to their coefficients. A product
is a sorted tuple of the indices of its factors; ``()`` is the number 1.
"""

from collections.abc import Mapping, Sequence

from torch import Tensor

Polynomial = Mapping[tuple[int, ...], Tensor]


def derivative(
    products: Sequence[Sequence[int]], coefficients: Sequence[Tensor], by: int
) -> dict[tuple[int, ...], Tensor]:
    """Differentiate the sum of ``coefficient * product`` by one factor.

    .. code-block:: text

        products (a, b), (a, c), (a, b, c) by a:  {(b,): g_ab, (c,): g_ac,
                                                   (b, c): g_abc}

    A factor that a product has n times gives n times its coefficient.
    """
    terms: dict[tuple[int, ...], Tensor] = {}
    for product, coefficient in zip(products, coefficients, strict=True):
        count = product.count(by)
        if count:
            others = without(tuple(sorted(product)), by)
            slope = coefficient if count == 1 else count * coefficient
            terms[others] = terms[others] + slope if others in terms else slope
    return terms


def evaluate(terms: Polynomial, factors: Mapping[int, Tensor]) -> Tensor:
    """Evaluate a polynomial by Horner's rule, in few passes over memory.

    .. code-block:: text

        {(b,): g_ab, (c,): g_ac, (b, c): g_abc}
            = B * (g_ab + C * g_abc) + C * g_ac

    Args:
        terms: At least one; coefficients are broadcast to the factors.
        factors: Tensors of one shape, by index.

    Returns:
        A new tensor, or a coefficient itself where no factor is involved.
    """
    if terms.keys() == {()}:
        return terms[()]
    index = min(product[0] for product in terms if product)
    inner = {without(p, index): c for p, c in terms.items() if index in p}
    rest = {p: c for p, c in terms.items() if index not in p}
    value = evaluate(inner, factors)
    if inner.keys() == {()}:
        value = factors[index] * value
    else:
        value.mul_(factors[index])
    return value.add_(evaluate(rest, factors)) if rest else value


def without(product: tuple[int, ...], index: int) -> tuple[int, ...]:
    """Divide the product by one of its factors."""
    position = product.index(index)
    return product[:position] + product[position + 1 :]
