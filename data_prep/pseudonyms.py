"""Names for people and files that say nothing of them, the same in every run with one key.

A patient's pseudonym is a keyed hash (HMAC-SHA256) of its id: without the key nobody can compute it from a list of
likely ids, as anybody could with a plain hash. The key file also lists who is who, for the user alone.
"""

import hashlib
import hmac
import json
import os
import secrets
from pathlib import Path

from monai_vq.atomic import atomic_path
from monai_vq.errors import InputError

__all__ = ["Pseudonyms"]

_KEY_BYTES = 32
_PATIENT_DIGITS, _SOURCE_DIGITS = 10, 8  # hexadecimal
_PRIVATE = 0o600  # file mode: for its owner alone


class Pseudonyms:
    """Pseudonyms of patients and files under one key.

    Args:
        key: secret, at least 32 bytes.

    Attributes:
        patients: pseudonym of each id seen so far.
        sources: the same for relative paths.

    Raises:
        InputError: the key is too short.
    """

    def __init__(self, key: bytes):
        if len(key) < _KEY_BYTES:
            raise InputError(f"a key of {len(key)} bytes, expected at least {_KEY_BYTES}")
        self.patients: dict[str, str] = {}
        self.sources: dict[str, str] = {}
        self._key = key
        self._key_file: Path | None = None

    @classmethod
    def open(cls, key_file: Path) -> "Pseudonyms":
        """Reads a key file; where there is none yet, draws a key, which `save` writes there.

        Raises:
            InputError: the file is not a key file.
        """
        if not key_file.exists():
            pseudonyms = cls(secrets.token_bytes(_KEY_BYTES))
        else:
            try:
                body = json.loads(key_file.read_text(encoding="utf-8"))
                pseudonyms = cls(bytes.fromhex(body["key"]))
                pseudonyms.patients = {str(name): str(value) for name, value in body["patients"].items()}
                pseudonyms.sources = {str(name): str(value) for name, value in body["sources"].items()}
            except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
                raise InputError(
                    f"the key file cannot be read ({type(error).__name__}); "  # its name may be that of private data
                    "give the file that an earlier run wrote, or a name that does not exist yet"
                ) from None
        pseudonyms._key_file = key_file
        return pseudonyms

    def save(self) -> None:
        """Writes the key file atomically, readable for its owner alone.

        Raises:
            InputError: the pseudonyms have no key file, or it cannot be written.
        """
        if self._key_file is None:
            raise InputError("these pseudonyms have no key file; make them by Pseudonyms.open")
        body = {"key": self._key.hex(), "patients": self.patients, "sources": self.sources}
        try:
            self._key_file.parent.mkdir(parents=True, exist_ok=True)
            with atomic_path(self._key_file) as part:
                part.unlink(missing_ok=True)  # of a killed run: its mode is not known
                with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _PRIVATE), "w") as file:
                    file.write(json.dumps(body, indent=2) + "\n")
        except OSError as error:
            remedy = "give a --key_file in a folder that can be written to"
            raise InputError(f"the key file cannot be written ({error.strerror}); {remedy}") from None

    def patient(self, original_id: str) -> str:
        """The pseudonym of a patient id, such as `P4F1C09A2B3`."""
        if original_id not in self.patients:
            taken = set(self.patients.values())
            attempt = 0
            while (name := f"P{self._digest('patient', original_id, attempt)[:_PATIENT_DIGITS].upper()}") in taken:
                attempt += 1  # two of a million ids may meet, and must not become one person
            self.patients[original_id] = name
        return self.patients[original_id]

    def source(self, relative_path: str, kind: str = "series") -> str:
        """The pseudonym of a path: a running number and a keyed hash, such as `series-0007-3fa9c2d1`.

        Args:
            relative_path: of a file or folder.
            kind: a word for what is there; that of the first call stays.
        """
        if relative_path not in self.sources:
            digits = self._digest("source", relative_path)[:_SOURCE_DIGITS]
            self.sources[relative_path] = f"{kind}-{len(self.sources) + 1:04d}-{digits}"
        return self.sources[relative_path]

    def _digest(self, what: str, text: str, attempt: int = 0) -> str:
        message = "\0".join((what, str(attempt), text)).encode("utf-8", "surrogatepass")
        return hmac.new(self._key, message, hashlib.sha256).hexdigest()
