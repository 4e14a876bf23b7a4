#!/usr/bin/env python3
"""Reads a mirror with python-tuf, the reference implementation of TUF.

    tuf_reader.py BASE_URL ROOT_FILE OUTPUT_FOLDER

Refreshes from the pinned root, walks the signed list of bundles, downloads every target of every bundle (python-tuf
checks length and digest), prints how many there were, and ends with another code than 0 at the first failure.
Needs tuf 7 with securesystemslib[crypto].
"""

import json
import sys
from pathlib import Path
from urllib.parse import quote

from tuf.ngclient import Updater, UpdaterConfig


def signed_part(metadata: Path, role: str) -> dict:
    """A role that the updater has verified, from its own store."""
    return json.loads((metadata / f"{quote(role, '')}.json").read_bytes())["signed"]


def main() -> int:
    base, root_file, output = sys.argv[1].rstrip("/") + "/", Path(sys.argv[2]), Path(sys.argv[3])
    metadata, targets = output / "metadata", output / "targets"
    for folder in (metadata, targets):
        folder.mkdir(parents=True, exist_ok=True)
    updater = Updater(
        metadata_dir=str(metadata),
        metadata_base_url=base + "metadata/",
        target_dir=str(targets),
        target_base_url=base,
        # The one setting that a stock client needs: files have their natural names.
        config=UpdaterConfig(prefix_targets_with_hash=False),
        bootstrap=root_file.read_bytes(),
    )
    updater.refresh()
    count = 0
    for bundle in signed_part(metadata, "targets")["x-spartacus"]["bundles"]:
        name = bundle["name"]
        # Asking for any target of the bundle makes the updater load and verify its role.
        if updater.get_targetinfo(f"releases/{name}/SHA256SUMS") is None:
            raise SystemExit(f"{name}: SHA256SUMS is not a target")
        paths = sorted(signed_part(metadata, name)["targets"])
        if len(paths) != bundle["files"]:
            raise SystemExit(f"{name}: {len(paths)} targets, but the list says {bundle['files']}")
        for path in paths:
            info = updater.get_targetinfo(path)
            if info is None:
                raise SystemExit(f"{path}: listed, but not to be found through the delegation")
            updater.download_target(info)
            count += 1
    # What the online key says of the mirrors, where it says something.
    if "fleet.json" in signed_part(metadata, "snapshot")["meta"]:
        version = signed_part(metadata, "snapshot")["meta"]["fleet.json"]["version"]
        if updater.get_targetinfo(f"fleet/{version}.mirrors.json") is None:
            raise SystemExit("fleet: mirrors.json is not a target")
        for path in sorted(signed_part(metadata, "fleet")["targets"]):
            updater.download_target(updater.get_targetinfo(path))
            count += 1
    print(count)
    return 0


if __name__ == "__main__":
    sys.exit(main())
