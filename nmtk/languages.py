"""Languages, by their codes: `de`, `pt-BR`, `zh_Hans`."""

import re


def base_language(code: str) -> str:
    """A code without its region and script, in small letters: `pt` of `pt-BR`, `zh` of `zh_Hans_CN`."""
    return re.split("[-_]", code, maxsplit=1)[0].lower()
