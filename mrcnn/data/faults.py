"""All that is wrong with a data set, in one error or one list of what is left out."""

from mrcnn.notices import all_of, listed


class Faults:
    """Gathers faults where they are met, so that nobody mends them one by one.

    Attributes:
        subject: the file or set that they are found in.
        found: messages, in the order in which they were met.
    """

    def __init__(self, subject: object) -> None:
        """Begin with none."""
        self.subject = str(subject)
        self.found: list[str] = []
        self._absent = 0
        self._grave = 0

    def add(self, error: Exception | str, *, grave: bool = False) -> None:
        """Note a fault; a grave one cannot be left out with its image or region."""
        self.found.append(str(error))
        self._absent += isinstance(error, FileNotFoundError)
        self._grave += grave

    def settle(self, *, skip: bool = False) -> None:
        """Raise one error for all faults; with `skip` print what is left out instead.

        Raises:
            FileNotFoundError: every fault is a missing file.
            ValueError: otherwise; also with `skip` if a fault is grave.
        """
        if not self.found:
            return
        count = len(self.found)
        if skip and not self._grave:
            left = "1 fault is" if count == 1 else f"{count} faults are"
            print(f"{self.subject}: {left} left out:\n{listed(self._short())}")
            return
        message = all_of(self._short(), self.subject) if count > 1 else self.found[0]
        if not self._grave:
            message += "\nskip_faulty=True leaves out what is faulty, and lists it."
        raise (FileNotFoundError if self._absent == count else ValueError)(message)

    def _short(self) -> list[str]:
        """Return the messages without the name of the subject, which stands above."""
        return [message.removeprefix(f"{self.subject}: ") for message in self.found]
