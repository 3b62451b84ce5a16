"""How numbers look in the report."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = [
    "figure",
    "fixed",
    "percent",
    "plain",
    "signed",
    "signed_significant",
    "significant",
    "with_interval",
]


def fixed(value: float | None, digits: int) -> str:
    """A number with so many decimals; `-` where there is none.

    Examples
    --------
    >>> fixed(3.14159, 1), fixed(-0.0001, 2), fixed(None, 1)
    ('3.1', '0.00', '-')
    """
    if value is None:
        return "-"
    text = f"{value:.{digits}f}"
    return text[1:] if text.startswith("-") and not float(text) else text


def figure(value: float | None, digits: int = 3) -> str:
    """A number without the zero before its point: `.732`, `-.039`, `1.270`.

    Examples
    --------
    >>> figure(0.7321), figure(-0.039), figure(1.27), figure(0.5, 1)
    ('.732', '-.039', '1.270', '.5')
    """
    if value is not None and abs(value) >= 1000:
        return significant(value)
    return _figure_sign(fixed(value, digits))


def _figure_sign(text: str) -> str:
    """A number's text without the zero before its point."""
    if text.startswith("0."):
        return text[1:]
    return f"-{text[2:]}" if text.startswith("-0.") else text


def significant(value: float | None, digits: int = 4) -> str:
    """A number of any size with four significant digits, without an exponent where readable.

    Examples
    --------
    >>> significant(0.3), significant(1234567.0), significant(12.0, 3)
    ('.3000', '1.235e+06', '12.0')
    """
    if value is None:
        return "-"
    if value == 0:
        return "0"
    if not 1e-4 <= abs(value) < 1e6:
        return f"{value:.{digits - 1}e}"
    text = f"{value:#.{digits}g}"
    text = f"{float(text):.0f}" if "e" in text else text.rstrip(".")
    return _figure_sign(text)


def plain(value: float) -> str:
    """A number that somebody has given, as short as it can be written.

    Examples
    --------
    >>> plain(5.0), plain(0.02)
    ('5', '0.02')
    """
    return f"{value:.12g}"


def percent(value: float | None) -> str:
    """A share in per cent.

    Examples
    --------
    >>> percent(0.18), percent(None)
    ('18.0 %', '-')
    """
    return "-" if value is None else f"{100 * value:.1f} %"


def signed(value: float | None) -> str:
    """A figure with its sign, none where it rounds to zero.

    Examples
    --------
    >>> signed(0.029), signed(-0.037), signed(0.0001)
    ('+.029', '-.037', '.000')
    """
    text = figure(value)
    return text if text.startswith("-") or not float(text) else f"+{text}"


def signed_significant(value: float | None, digits: int = 4) -> str:
    """A number of any size with its sign.

    Examples
    --------
    >>> signed_significant(12.5, 3), signed_significant(-0.25, 3), signed_significant(None)
    ('+12.5', '-.250', '-')
    """
    text = significant(value, digits)
    return f"+{text}" if value is not None and value > 0 else text


def with_interval(
    entry: dict[str, Any],
    form: Callable[[float | None], str] = figure,
    edge: Callable[[float | None], str] | None = None,
) -> str:
    """`value [low,high]`, without brackets where there are no bounds.

    Parameters
    ----------
    entry : dict
        `value`, `low`, `high`; None for what is not known.
    form : callable
        How a number is written.
    edge : callable, optional
        How bounds are written, if otherwise.

    Examples
    --------
    >>> entry = {"value": 0.5, "low": 0.25, "high": 0.75}
    >>> with_interval(entry), with_interval({**entry, "high": None})
    ('.500 [.250,.750]', '.500')
    """
    value = form(entry["value"])
    if entry["low"] is None or entry["high"] is None:
        return value
    edge = form if edge is None else edge
    return f"{value} [{edge(entry['low'])},{edge(entry['high'])}]"
