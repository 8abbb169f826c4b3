"""What is published where, and how a file here is told from it."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

from hcr_lib.datasets._errors import DataError


@dataclass(frozen=True)
class Published:
    """A published file: its name in the data folder, and what it must be."""

    file: str
    sha256: str
    size: int

    def fault(self, path: Path) -> str | None:
        """Say what is wrong with the file at `path`; None if nothing is."""
        with path.open("rb") as stream:
            found = hashlib.file_digest(stream, "sha256").hexdigest()
            stream.seek(0)
            return self._fault(found, path.stat().st_size, stream.read(1024))

    def fault_in(self, content: bytes) -> str | None:
        """Say what is wrong with the content of a file; None if nothing is."""
        return self._fault(hashlib.sha256(content).hexdigest(), len(content), content[:1024])

    def _fault(self, sha256: str, size: int, head: bytes) -> str | None:
        if sha256 == self.sha256:
            return None
        if b"<html" in head.lower():
            return "a web page, not the file"
        if size < self.size:
            return f"cut short, {size:,} of {self.size:,} bytes"
        return f"expected SHA-256 {self.sha256}, found {sha256} ({size:,} bytes)"


@dataclass(frozen=True)
class Remote(Published):
    """A published file with the addresses it is offered at."""

    addresses: tuple[str, ...]

    def by_hand(self, folder: Path) -> str:
        """Return the sentence that tells how to get the file without us."""
        return (
            f"By hand: download one of {' , '.join(self.addresses)} and save it as {folder / self.file} "
            f"({self.size:,} bytes, SHA-256 {self.sha256})."
        )


MNIST = Remote(
    "mnist.npz",
    "731c5ac602752760c8e48fbffcf8c3b850d9dc2a2aedcf2cc48468fc17b673d1",
    11_490_434,
    (
        "https://storage.googleapis.com/tensorflow/tf-keras-datasets/mnist.npz",
        "https://s3.amazonaws.com/img-datasets/mnist.npz",
    ),
)
EMNIST = Remote(
    "emnist.zip",
    "fb9bb67e33772a9cc0b895e4ecf36d2cf35be8b709693c3564cea2a019fcda8e",
    561_753_932,
    (
        "https://biometrics.nist.gov/cs_links/EMNIST/gzip.zip",
        "https://www.itl.nist.gov/iaui/vip/cs_links/EMNIST/gzip.zip",
    ),
)
#: Names under which people keep EMNIST's archive.
EMNIST_ARCHIVES = (EMNIST.file, "gzip.zip", "emnist-gzip.zip")

# NIST publishes no checksums of the archive's members. Two people who extracted them did, years apart, and agree on
# all of these: github.com/notwa/mnists and the Git LFS pointers (with sizes) in github.com/aurelienduarte/emnist.
_MEMBERS = """
emnist-balanced-test-images-idx3-ubyte.gz   4714707 117fc12b015e37ea98bfb2cbba3f77c3782c056cdbd219b87abfc8661d7135db
emnist-balanced-test-labels-idx1-ubyte.gz     13504 a67cac948379b67270b9a4d0a01c8ec661598accf2f2b1964340b7c83cb175cd
emnist-balanced-train-images-idx3-ubyte.gz 28207740 74295e75e4e9fa2c102147460ee7eb763653d5132d883a84fb88932bfb8d2db4
emnist-balanced-train-labels-idx1-ubyte.gz    80618 b46d41e5156a0a8aaaa4d18979fdd1588850fa8571018acffd5d93b325a7d6ed
emnist-byclass-test-images-idx3-ubyte.gz   28908322 5ec835bd5d5b1a66378a132e727fef20fe994b3cc666899befcca5ac766f50cd
emnist-byclass-test-labels-idx1-ubyte.gz      81839 501e305eeeacb093b162592d80e8a2632040872360fa6d85cfcb2200d91ca92a
emnist-byclass-train-images-idx3-ubyte.gz 173367313 9e21987f03a6eb8b870187e785883ddad96947299587908f1a7ec2ca0f4be5f0
emnist-byclass-train-labels-idx1-ubyte.gz    491603 f7ef403d48dc18a89dae0d83d11ee69cecb6e1c12c3a961d03712e495c02a8fa
emnist-letters-test-images-idx3-ubyte.gz    5039157 50f0e93d75b99b463e9760b8345866f22587fa2c2fba472730a5ba09c693412d
emnist-letters-test-labels-idx1-ubyte.gz        144 924955c31fe7fd809b7303b5c0141282955f4b8390c74cdfd5d80435e0f4b4cb
emnist-letters-train-images-idx3-ubyte.gz  30804864 6288f418a917e007bf5fddb823a2dc7a5c6a35031401b93292a539cb12bd881f
emnist-letters-train-labels-idx1-ubyte.gz     79283 9759af91ea6bccdf07a6040fd085861f2ec88e37f7c3f5760f6feb57106fbe5c
"""
#: The members of EMNIST's archive that we read, by name.
EMNIST_MEMBERS = {
    file: Published(file, sha256, int(size)) for file, size, sha256 in map(str.split, _MEMBERS.strip().splitlines())
}


def verified(path: Path, published: Published, by_hand: str) -> Path:
    """Return `path` if it is the published file.

    Raises
    ------
    DataError
        If it is another; the message says to move it away, and how to get the file by hand.
    """
    fault = published.fault(path)
    if fault is not None:
        raise DataError(
            f"{path} is not the published {published.file}: {fault}. Move it away or delete it, then fetch again. "
            f"{by_hand}"
        )
    return path
