"""What pydantic found wrong, for people: the place, what is wrong there, and the nearest name that would be right."""

import tomllib
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, TypeVar, get_args

from pydantic import BaseModel, ValidationError

from controlsurface.errors import ConfigError, did_you_mean

_PART_CHARACTERS = 60  # of a name that somebody else chose
M = TypeVar("M", bound=BaseModel)


def read_toml(path: Path, model: type[M], parse_float: Callable[[str], object] = float) -> M:
    """What a file of TOML says. Raises ConfigError naming file, place and nearest name of every problem."""
    try:
        return model.model_validate(tomllib.loads(path.read_text("utf-8"), parse_float=parse_float))
    except ValidationError as problem:
        raise ConfigError("\n".join(f"{path}: {each}" for each in explain(problem, model))) from None
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as problem:
        raise ConfigError(f"{path}: {problem}") from None


def explain(error: ValidationError, model: type[BaseModel], noun: str = "key", inside: int = 0) -> Iterator[str]:
    """`place: what; did you mean ...` for each problem; the first `inside` parts of places are not the model's."""
    for each in error.errors():
        place = each["loc"][inside:]
        text = problem_text(each, _keys_at(model, place[:-1]), noun)
        name = ".".join(str(part)[:_PART_CHARACTERS] for part in place)
        yield f"{name}: {text}" if name else text


def problem_text(each: Mapping[str, Any], known: Iterable[str], noun: str) -> str:
    """What is wrong at one place, where `known` names may stand."""
    if each["type"] == "extra_forbidden":
        return f"no such {noun}{did_you_mean(str(each['loc'][-1]), known)}"
    return "must be given" if each["type"] == "missing" else str(each["msg"]).removeprefix("Value error, ")


def models_in(annotation: Any) -> Iterator[type[BaseModel]]:
    """The models that an annotation is made of, however deep."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for part in get_args(annotation):
        yield from models_in(part)


def _keys_at(model: type[BaseModel], place: tuple[int | str, ...]) -> list[str]:
    """The keys a table at `place` may have."""
    choices = [model]
    for part in place:
        found = [choice.model_fields[str(part)].annotation for choice in choices if str(part) in choice.model_fields]
        if found:
            choices = list(models_in(found[0])) or choices
        elif isinstance(part, str):  # a name of the user's choosing, or the kind that decides between several models
            choices = [choice for choice in choices if _is_kind(choice, part)] or choices
    return [field.alias or key for choice in choices for key, field in choice.model_fields.items()]


def _is_kind(model: type[BaseModel], name: str) -> bool:
    """Whether `kind = name` chooses this model."""
    field = model.model_fields.get("kind")
    return field is not None and name in get_args(field.annotation)
