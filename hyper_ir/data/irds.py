"""Any text collection of ir_datasets, named ``ir_datasets:NAME``: documents, topics, judgments."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, ForwardRef

from hyper_ir.data.checks import checked_id, checked_text, require_some_text
from hyper_ir.data.records import Judgment, Passage, Topic
from hyper_ir.problems import Problems

PREFIX = "ir_datasets:"

# Titles stand before the text, as BEIR and Pyserini join them, whatever the document's order.
TITLE_FIELDS = ("title", "page_title", "document_title", "headline")
TEXT_FIELDS = (
    *("headings", "abstract", "text", "body", "contents", "content", "passage"),
    *("condition", "summary", "detailed_description", "eligibility"),  # clinical trials
    *("conclusion", "premises_texts"),  # args.me
    *("func_name", "code"),  # CodeSearchNet
)


def is_irds(source: str) -> bool:
    """Whether the source names a collection of ir_datasets."""
    return source.startswith(PREFIX)


def load(source: str, kind: str) -> Any:
    """The dataset ``ir_datasets:NAME``, which must have ``kind``: docs, queries or qrels.

    Raises ValueError for an unknown name and for a dataset without that kind.
    """
    import ir_datasets

    name = source.removeprefix(PREFIX)
    try:
        dataset = ir_datasets.load(name)
    except KeyError:
        raise ValueError(
            f"{source}: ir_datasets knows no {name!r}; its catalogue is at ir-datasets.com"
        ) from None
    except Exception as error:
        raise ValueError(f"{source}: ir_datasets cannot open it: {_reason(error)}") from error
    if not dataset.has(kind):
        has = [each for each in ("docs", "queries", "qrels") if dataset.has(each)]
        raise ValueError(f"{source} has no {kind}; it has {', '.join(has) or 'nothing'}")
    return dataset


def text_fields(doc_class: Any, fields: Sequence[str] | None, source: str) -> list[str] | None:
    """Which fields of a document are its text, by the names and types of its named tuple.

    Returns ``fields`` where given, else its title and texts, else None: then
    ``default_text()`` decides. Raises ValueError for a field that the documents lack, and for
    documents without any text, such as images.
    """
    annotations = getattr(doc_class, "__annotations__", {})
    types = {name: _type_name(annotations.get(name, "str")) for name in doc_class._fields}
    if fields is not None:
        lacking = [name for name in fields if name not in types]
        if lacking:
            raise ValueError(
                f"{source}: documents have no field {', '.join(lacking)}; "
                f"they have {', '.join(types)}"
            )
        return list(fields)
    texts = [name for name in types if name in TEXT_FIELDS]
    if not texts or any(types[name] != "str" for name in texts):
        if not hasattr(doc_class, "default_text"):
            raise ValueError(f"{source}: documents have no text; they have {', '.join(types)}")
        return None
    return [name for name in types if name in TITLE_FIELDS and types[name] == "str"] + texts


def _type_name(annotation: object) -> str:
    """The type's name, also where ``from __future__ import annotations`` keeps it as a string."""
    if isinstance(annotation, ForwardRef):
        return annotation.__forward_arg__.strip()
    return (
        annotation.strip() if isinstance(annotation, str) else getattr(annotation, "__name__", "")
    )


def read_docs(
    source: str, fields: Sequence[str] | None, problems: Problems
) -> Iterator[tuple[str, list[Passage]]]:
    """Yield ``(document id, [its passage])`` of every document; downloads where needed."""
    dataset = load(source, "docs")
    names = text_fields(dataset.docs_cls(), fields, source)
    for where, doc in _numbered(source, "document", dataset.docs_iter):
        try:
            doc_id = checked_id(doc.doc_id, "doc_id")
            if names is None:
                texts = {"text": checked_text(_default_text(doc), "text")}
            else:
                texts = {name: checked_text(getattr(doc, name), name) for name in names}
            require_some_text(doc_id, texts)
        except ValueError as error:
            problems.found(where, str(error))
            continue
        yield doc_id, [Passage(doc_id, texts, where)]


def _default_text(record: Any) -> object:
    """The text as the dataset's authors put it together; ValueError where that fails."""
    try:
        return record.default_text() if hasattr(record, "default_text") else record.text
    except Exception as error:
        raise ValueError(f"no text: {_reason(error)}") from error


def docs_count(source: str) -> int | None:
    """The number of documents where the catalogue tells it without a download, else None."""
    try:
        count = load(source, "docs").metadata()["docs"]["count"]
    except (AttributeError, KeyError, TypeError, OSError):
        return None
    return count if isinstance(count, int) else None


def read_queries(source: str, problems: Problems) -> Iterator[tuple[str, Topic]]:
    """Yield ``(place, topic)`` of every query; the text is the dataset's default text."""
    dataset = load(source, "queries")
    for where, query in _numbered(source, "query", dataset.queries_iter):
        try:
            topic = Topic(
                checked_id(query.query_id, "query_id"), checked_text(_default_text(query), "text")
            )
        except ValueError as error:
            problems.found(where, str(error))
            continue
        yield where, topic


def read_judgments(source: str) -> Iterator[tuple[str, Judgment]]:
    """Yield ``(place, judgment)``; the iteration is the qrels' own, a subtopic's id, or 0.

    Raises ValueError where the judgments are no pairs of a query and a document with a grade.
    """
    dataset = load(source, "qrels")
    for where, qrel in _numbered(source, "judgment", dataset.qrels_iter):
        if not all(hasattr(qrel, name) for name in ("query_id", "doc_id", "relevance")):
            raise ValueError(f"{where}: no grade of a document for a query: {qrel!r:.100}")
        iteration = getattr(qrel, "iteration", None) or getattr(qrel, "subtopic_id", None) or "0"
        yield where, Judgment(qrel.query_id, str(iteration), qrel.doc_id, qrel.relevance)


def _numbered(
    source: str, what: str, records: Callable[[], Iterable[Any]]
) -> Iterator[tuple[str, Any]]:
    """Yield ``(place, record)``; whatever ir_datasets raises (a download above all) is named."""
    number = 0
    try:
        for record in records():
            number += 1
            yield f"{source}:{number}", record
    except Exception as error:
        raise ValueError(f"{source}: cannot read {what} {number + 1}: {_reason(error)}") from error


def _reason(error: Exception) -> str:
    return str(error) or type(error).__name__
