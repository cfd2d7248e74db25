"""A visit of one scan of one frame that somebody really measured, packed as DanMAX would have written it."""

from hashlib import sha256
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from danmax_sync.errors import UsageError
from danmax_sync.testing.commands import command
from danmax_sync.testing.described import SimulatedVisit, described
from danmax_sync.testing.detectors import write_pilatus
from danmax_sync.testing.frames import compress
from danmax_sync.testing.masters import write_master
from danmax_sync.testing.physics import State
from danmax_sync.testing.plans import EXPOSURE_S, FIRST_NUMBER, Origin, ScanPlan, scan_name
from danmax_sync.testing.publishing import claim
from danmax_sync.testing.writing import MASK, write_mask, write_poni
from danmax_sync.visits import TreePath


def real_frame_visit(
    folder: Path, *, frame: NDArray[np.int32], poni_text: str, energy_kev: float, sample: str = "CeO2"
) -> SimulatedVisit:
    """Pack one real frame as a visit.

    Parameters
    ----------
    folder : Path
        Becomes the visit's folder, as with `danmax_sync.testing.visit.simulate_visit`.
    frame : ndarray of int32, shape (rows, columns)
        Counts, -1 in gaps, -2 on bad pixels.
    poni_text : str
        Its calibration, written to ``process/<sample>.poni``.
    energy_kev : float
        Of the photons; the snapshot and ``hdcm_E`` will hold it.
    sample : str
        The folder below ``raw``, and the calibrant.

    Returns
    -------
    SimulatedVisit
        Its mask holds the pixels that are marked in the frame. No temperature is recorded.

    Raises
    ------
    UsageError
        If the folder holds anything else, or the frame is not a single image of int32.
    """
    if frame.ndim != 2 or frame.dtype != np.int32:
        raise UsageError(
            f"a frame is one image of int32, not {frame.dtype} of shape {frame.shape}",
            hint="give frame[0].astype('int32')",
        )
    content = sha256(np.ascontiguousarray(frame).tobytes() + poni_text.encode()).hexdigest()
    claim(folder, {"real_frame": content, "energy_kev": energy_kev, "sample": sample})
    origin = Origin()
    plan = ScanPlan(
        item=0,
        number=FIRST_NUMBER,
        path=TreePath(("raw", sample, f"{scan_name(FIRST_NUMBER)}.h5")),
        state=State(sample, energy_kev, np.nan),
        energy_kev=energy_kev,
        temperatures_k=(),
        temperature_source="",
        frames=1,
        start=origin.start,
        command=command(0, 1, EXPOSURE_S),
        proposal=origin.proposal,
        stored_frames=1,
    )
    poni = TreePath(("process", f"{sample}.poni"))
    write_poni(poni.below(folder), poni_text)
    if not MASK.below(folder).exists():
        write_mask(MASK.below(folder), frame < 0)
    pilatus = plan.detector_path("pilatus").below(folder)
    if not pilatus.exists():
        rows, columns = frame.shape
        write_pilatus(pilatus, [compress(frame[None])], shape=(rows, columns), energy_ev=round(energy_kev) * 1000.0)
    if not plan.path.below(folder).exists():
        write_master(plan.path.below(folder), [plan], seed=0)
    return described(folder, poni=poni, plans=[plan])
