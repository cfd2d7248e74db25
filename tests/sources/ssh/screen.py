"""What a person sees: a terminal's screen, as far as our programs and ``ssh`` give it orders."""

import re

_ORDER = re.compile(r"\x1b(?:(?P<plain>[78D])|\[(?P<amount>\d*)(?P<letter>[ABLK]))|(?P<sign>[\s\S])")


class Screen:
    """Rows of text and a cursor, as a VT100 has them."""

    def __init__(self, rows: int = 24, columns: int = 80) -> None:
        self.rows, self.columns = rows, columns
        self.cells = [""] * rows
        self.row = self.column = 0
        self._saved = (0, 0)

    def show(self, text: str) -> None:
        """Do what a text says."""
        for order in _ORDER.finditer(text):
            amount = int(order["amount"] or 1)
            if order["sign"]:
                self._sign(order["sign"])
            elif order["plain"] == "7":
                self._saved = (self.row, self.column)
            elif order["plain"] == "8":
                self.row, self.column = self._saved
            elif order["plain"] == "D":
                self._down()
            elif order["letter"] == "A":
                self.row = max(0, self.row - amount)
            elif order["letter"] == "B":
                self.row = min(self.rows - 1, self.row + amount)
            elif order["letter"] == "L":
                self.cells[self.row : self.row] = [""] * amount
                del self.cells[self.rows :]

    def _sign(self, sign: str) -> None:
        if sign == "\n":
            self._down()
        elif sign == "\r":
            self.column = 0
        elif sign.isprintable():
            if self.column == self.columns:
                self.column = 0
                self._down()
            self.cells[self.row] = self.cells[self.row].ljust(self.column)[: self.column] + sign
            self.column += 1

    def _down(self) -> None:
        if self.row == self.rows - 1:
            self.cells = [*self.cells[1:], ""]
        else:
            self.row += 1


def screen_of(text: str, rows: int = 24, columns: int = 80) -> list[str]:
    """Return the rows of a screen down to the cursor's."""
    screen = Screen(rows, columns)
    screen.show(text)
    return screen.cells[: screen.row + 1]
