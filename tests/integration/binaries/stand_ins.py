"""Small scripts that print versions as the binaries do, alone, in folders and in archives."""

import io
import tarfile
from pathlib import Path

from bench.cluster.binaries.model import Request, Version

TARGET = Request(Version(1, 37, 2), {}, Path("/"), print).target


def apiserver_script(version="1.37.2"):
    return f"#!/bin/sh\necho Kubernetes v{version}\n"


ETCD_SCRIPT = "#!/bin/sh\necho etcd Version: 3.7.0\n"


def names_in(folder):
    return sorted(path.name for path in folder.iterdir())


def write_program(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(0o755)
    return path


def write_assets(folder, version="1.37.2"):
    write_program(folder / "kube-apiserver", apiserver_script(version))
    write_program(folder / "etcd", ETCD_SCRIPT)
    return folder


def pack(files, level=1):
    """Return a tar.gz with the layout of the official one."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz", compresslevel=level) as archive:
        for name, content in files.items():
            member = tarfile.TarInfo(f"controller-tools/envtest/{name}")
            member.size = len(content)
            member.mode = 0o755
            archive.addfile(member, io.BytesIO(content))
    return packed.getvalue()


def pack_scripts(version="1.37.2"):
    return pack(
        {
            "etcd": ETCD_SCRIPT.encode(),
            "kube-apiserver": apiserver_script(version).encode(),
            "kubectl": b"#!/bin/sh\n",
        }
    )
