"""The vault as two dictionaries: what ``privacy`` needs of it, without a database."""

from collections.abc import Collection, Sequence

from privacy.subjects import StoredSubject, SubjectRef


class FakeVault:
    """Keeps subjects in memory; the first writer of a reference wins."""

    def __init__(self) -> None:
        self.refs: dict[SubjectRef, bytes] = {}
        self.subjects: dict[bytes, StoredSubject] = {}
        self.calls: list[str] = []

    def find(self, refs: Collection[SubjectRef]) -> dict[SubjectRef, StoredSubject]:
        self.calls.append("find")
        return {ref: self.subjects[self.refs[ref]] for ref in refs if ref in self.refs}

    def by_id(self, subject_ids: Collection[bytes]) -> dict[bytes, StoredSubject]:
        return {id_: self.subjects[id_] for id_ in subject_ids if id_ in self.subjects}

    def create(
        self, subjects: Sequence[StoredSubject], aliases: Sequence[tuple[SubjectRef, bytes]]
    ) -> dict[SubjectRef, StoredSubject]:
        self.calls.append("create")
        self.subjects |= {subject.subject_id: subject for subject in subjects}
        for ref, subject_id in aliases:
            self.refs.setdefault(ref, subject_id)
        return {ref: self.subjects[self.refs[ref]] for ref, _ in aliases}

    def erase(self, ref: SubjectRef) -> None:
        subject_id = self.refs[ref]
        self.subjects[subject_id] = self.subjects[subject_id]._replace(wrapped_key=None)
