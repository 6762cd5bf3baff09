"""The policies of a checkout of Trustee: its files, and those inside its tests and its documentation.

SPDX-License-Identifier: Apache-2.0
"""

import os
import re

# What a text inside a text goes up to: the end of a literal, of a code block, of a document, of a define.
END = re.compile(r'^EOF$|^endef$|^```|^"#;|"#\)|(?<!\\)";', re.MULTILINE)
# What a name of a shell, of make or of Rust stands for where the text is used.
NAMES = {"$(TEE)": "sample", "${tee}": "sample", "{init_data_hash}": "aabb"}
RULES = ("allow", "trust_claims", "executables")


def inside(path):
    """The policies in a text of another language."""
    with open(path, encoding="utf-8") as file:
        text = file.read()
    for start in re.finditer(r"^[ \t]*package policy$", text, re.MULTILINE):
        end = END.search(text, start.start())
        policy = text[start.start() : end.start() if end else len(text)]
        # Rust's literals have escapes unless they are raw.
        if path.endswith(".rs") and not text[: start.start()].rstrip().endswith('#"'):
            policy = policy.replace('\\"', '"')
        for name, value in NAMES.items():
            policy = policy.replace(name, value)
        yield policy.lstrip()


def policies(checkout):
    """{name: text} of all that a KBS or an attestation service of upstream may be given."""
    found = {}
    for folder, folders, names in os.walk(checkout):
        folders[:] = sorted(set(folders) - {".git", "target"})
        for name in sorted(names):
            path = os.path.join(folder, name)
            shown = os.path.relpath(path, checkout)
            if name.endswith(".rego"):
                with open(path, encoding="utf-8") as file:
                    found[shown] = file.read()
            elif name == "Makefile" or name.endswith((".rs", ".md", ".sh")):
                for number, text in enumerate(inside(path)):
                    found[f"{shown}#{number}"] = text
    return {name: text for name, text in found.items() if any(rule in text for rule in RULES)}


def is_of_resources(text):
    """Whether it decides about resources; the others appraise evidence."""
    return re.search(r"^\s*(default )?allow\b", text, re.MULTILINE) is not None
