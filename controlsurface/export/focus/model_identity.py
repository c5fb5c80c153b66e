"""Who made a model, which family it is of and which version: as far as its name says so."""

import re
from functools import lru_cache
from typing import NamedTuple

# The beginnings of names that one developer uses; a name that begins otherwise says nothing about who made it.
DEVELOPERS = {
    "OpenAI": "gpt chatgpt o1 o3 o4 text-embedding davinci babbage codex whisper dall-e tts omni sora",
    "Anthropic": "claude",
    "Google": "gemini gemma palm imagen veo",
    "Meta": "llama",
    "Mistral AI": "mistral mixtral codestral ministral pixtral devstral magistral",
    "Alibaba": "qwen qwq",
    "DeepSeek": "deepseek",
    "xAI": "grok",
    "Cohere": "command embed-english embed-multilingual rerank",
    "Amazon": "nova titan",
    "Microsoft": "phi",
    "Moonshot AI": "kimi moonshot",
    "Zhipu AI": "glm",
    "AI21 Labs": "jamba",
    "Perplexity": "sonar",
    "IBM": "granite",
}
_DEVELOPER_OF = {prefix: name for name, prefixes in DEVELOPERS.items() for prefix in prefixes.split()}
_BY_LENGTH = sorted(_DEVELOPER_OF, key=len, reverse=True)
_VERSION = re.compile(r"(?P<family>[a-z][a-z\-]*?)-?(?P<version>\d+(?:\.\d+|-\d{1,2}(?![\da-z]))*[a-z]?)(?:[\-:@].*)?$")


class ModelIdentity(NamedTuple):
    """What FOCUS 1.5 is to name ModelDeveloper, ModelFamily and ModelVersion; None where the name does not say it."""

    developer: str | None = None
    family: str | None = None
    version: str | None = None


@lru_cache(maxsize=4096)
def identify_model(name: str | None) -> ModelIdentity:
    """The identity that a normalised name shows. A model of nobody known has none: a guess would be filed as a fact.

    >>> identify_model("claude-sonnet-4-5")
    ModelIdentity(developer='Anthropic', family='claude-sonnet', version='4.5')
    >>> [*identify_model("gpt-4o-mini")], [*identify_model("mistral-large-latest")], [*identify_model("our-7b")]
    (['OpenAI', 'gpt', '4o'], ['Mistral AI', 'mistral-large', None], [None, None, None])
    """
    bare = (name or "").lower().rpartition("/")[2]
    prefix = next((each for each in _BY_LENGTH if bare.startswith(each)), None)
    if prefix is None:
        return ModelIdentity()
    found = _VERSION.match(bare)
    if found is None:
        return ModelIdentity(_DEVELOPER_OF[prefix], bare.removesuffix("-latest"))
    return ModelIdentity(_DEVELOPER_OF[prefix], found["family"], found["version"].replace("-", "."))
