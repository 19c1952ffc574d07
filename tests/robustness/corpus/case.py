"""A bad input or fault, what came of it, and the verdict on that."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from corpus.bench import Bench

__all__ = ['BAD', 'Case', 'Outcome']

TRACEBACK = 'Traceback (most recent call last)'
#: Verdicts of which a run of the corpus must have none.
BAD = ('silent', 'raw traceback', 'code executed', 'unclear', 'ended')


@dataclass(frozen=True)
class Case:
    """A bad input or fault.

    Args:
        name: What is bad.
        run: Makes the input and gives it to an entry point.
        says: Pattern of what the user must read: in the last line where the
            entry point refuses, anywhere in the output where it goes on.
        refuses: Whether it must end with an exit code that is not 0.
        executes: Whether it must run the code of a crafted file, as with
            ``--trust``: a control of the files themselves.
        is_control: A good input, or a crafted one that is trusted.
        group: What kind of input it is.
    """

    name: str
    run: 'Callable[[Bench], object]'
    says: str
    refuses: bool = True
    executes: bool = False
    is_control: bool = False
    group: str = ''


@dataclass(frozen=True)
class Outcome:
    """What a process left behind.

    Attributes:
        code: Exit code, or minus the signal that ended it.
        output: Of both streams.
        executed: Whether code of a crafted file ran.
        entry: The entry point that was called last.
    """

    code: int
    output: str
    executed: bool
    entry: str

    @property
    def last_line(self) -> str:
        """Of what was printed."""
        lines = self.output.split('\n')
        return next((x.strip() for x in reversed(lines) if x.strip()), '')

    def verdict(self, case: Case) -> str:
        """``'refused'`` or ``'told'``, or one of :data:`BAD`.

        ``'unclear'`` is a sentence without what it must say, ``'ended'`` a
        process that a signal has ended, such as that of the time limit.
        """
        if self.executed != case.executes:
            return 'code executed' if self.executed else 'unclear'
        if TRACEBACK in self.output:
            return 'raw traceback'
        if self.code < 0:
            return 'ended'
        if self.code == 0:
            is_told = re.search(case.says, ' '.join(self.output.split()))
            return 'told' if is_told and not case.refuses else 'silent'
        is_told = case.refuses and re.search(case.says, self.last_line)
        return 'refused' if is_told else 'unclear'
