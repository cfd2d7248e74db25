"""A root that is forgotten takes along what is known of it alone, and nothing else."""

from danmax_sync.catalogue.catalogue import Catalogue
from danmax_sync.catalogue.forgetting import Forgotten
from danmax_sync.catalogue.values import REMOTE
from tests.catalogue.records import Filler, record, states

FAR = "/far/20251234/2025110208"


def test_scans_of_one_root_go_and_those_of_two_stay(catalogue: Catalogue) -> None:
    """With the state that they have in the place that is left; what was said of the others waits for them."""
    here, far = Filler(catalogue), Filler(catalogue, FAR, kind=REMOTE)
    both, alone = (record(number, links={"pilatus": f"scan-{number:04d}_pilatus.h5"}) for number in (42, 43))
    here.add(both)
    for one in (both, alone):
        far.add(one)
        far.file(f"raw/LaB6/scan-{one.number:04d}_pilatus.h5")
    far.add(both)
    far.unreadable("raw/LaB6/scan-0099.h5")
    catalogue.tag(catalogue.scans(), "good")
    assert [scan.state.value for scan in catalogue.scans() if scan.number == 42] == ["complete"]
    expected = Forgotten(scans=2, marked=2, elsewhere=1)
    assert catalogue.would_forget(far.root) == expected
    assert catalogue.forget(far.root) == expected
    (left,) = catalogue.scans()
    assert (left.number, left.tags, left.state.value) == (42, ("good",), "partial")
    assert states(left) == {here.base: "partial"}
    assert [at.name for at in catalogue.roots()] == [here.base]
    assert catalogue.count_lost_marks() == 2
    Filler(catalogue, FAR, kind=REMOTE).add(alone)
    assert [scan.tags for scan in catalogue.scans() if scan.number == 43] == [("good",)]
