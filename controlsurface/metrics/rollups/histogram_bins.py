"""Fixed bins of a spread: the same for all windows, so that counts of any two can be added.

Bins of confidence are 0.01 wide; all others grow by 5 %, so a figure read from them is at most 2.5 % off. Zero and
less have a bin of their own, from 0 to 0; its number is NULL.
"""

BIN_RATIO = 1.05


def bin_number(spread: str, value: str) -> str:
    """The number of a value's bin, as SQL; NULL is the bin of zero."""
    if spread == "confidence":  # 1 belongs to the last bin; 0.29 * 100 is 28.999999999999996
        return f"CASE WHEN {value} = 1 THEN 99 ELSE floor(round({value} * 100, 9)) END"
    return f"CASE WHEN {value} > 0 THEN floor(ln({value}) / ln({BIN_RATIO})) END"


def bin_edges(spread: str) -> tuple[str, str]:
    """From where to where the bin `bin` reaches, as SQL."""
    if spread == "confidence":
        return "bin / 100", "(bin + 1) / 100"
    return f"coalesce(power({BIN_RATIO}, bin), 0)", f"coalesce(power({BIN_RATIO}, bin + 1), 0)"


def bin_middle(spread: str) -> str:
    """The value that is least wrong for all of the bin `bin`, as SQL."""
    if spread == "confidence":
        return "(bin + 0.5) / 100"
    return f"coalesce(power({BIN_RATIO}, bin + 0.5), 0)"
