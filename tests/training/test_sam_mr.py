"""SAM of MR: small scans, values without a unit, lengths that follow the voxels."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import SimpleITK as sitk  # noqa: N813 - its own manual says sitk
import torch

from samdesk.core.runs import RunPlan
from samdesk.core.volume import Volume
from samdesk.errors import RunError
from samdesk.io import registry as readers
from samdesk.io.base import finish
from samdesk.model.intensities import PERCENTILE
from samdesk.model.preprocess import to_network_grid
from samdesk.training import registry, sam_mr
from samdesk.training.base import Provenance
from samdesk.training.data.scans import TrainingScan
from samdesk.training.methods.sam import SamMethod
from samdesk.training.sam_mr import MrMethod, MrPairSource, fitted, laid_out

SMALL: dict[str, Any] = {"channels": [4, 4, 4, 4], "size": 4, "n_places": 48, "pairs": 1}


def scan_file(folder: Path, spacing_mm: float = 1.0) -> Path:
    """Write 40 voxels a side of smooth tissue, as a NIfTI that does not say what made it."""
    coarse = np.random.default_rng(3).uniform(40, 220, (5, 5, 5)).astype(np.float32)
    fine = sitk.Expand(sitk.GetImageFromArray(coarse), [8, 8, 8], sitk.sitkLinear)
    fine.SetSpacing((spacing_mm,) * 3)
    path = folder / f"part-{spacing_mm:g}.nii.gz"
    sitk.WriteImage(sitk.Cast(fine, sitk.sitkInt16), str(path))
    return path


def prepared(method: MrMethod, plan: RunPlan, folder: Path) -> Any:
    return finish(method.prepare(plan, folder))


def test_the_setting_modality_chooses_the_method() -> None:
    assert isinstance(registry.method("sam", {"modality": "MR"}), MrMethod)
    plain = registry.method("sam", {"modality": "CT"})
    assert isinstance(plain, SamMethod)
    assert not isinstance(plain, MrMethod)


def test_patches_and_data_that_make_no_sense_are_refused(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="multiples of 16"):
        MrMethod.of({"shapes": [[20, 32, 32]]})
    with pytest.raises(RunError, match="no setting named taste"):
        MrMethod.of({"taste": 1})
    with pytest.raises(RunError, match="made patients are CT"):
        prepared(MrMethod.of({}), RunPlan("sam", ("phantom:2",)), tmp_path)


def test_a_patch_holds_a_small_scan_and_a_part_of_a_large_one() -> None:
    scan = TrainingScan("s", torch.zeros(20, 41, 200), torch.zeros(3), torch.zeros(1, 3))
    assert fitted(scan) == (32, 48, 64)


def test_training_sees_what_use_sees_and_pairs_show_the_same_places(tmp_path: Path) -> None:
    path = scan_file(tmp_path)
    method = MrMethod.of(SMALL)
    plan = RunPlan("sam", (str(path),), validation=(str(path),))
    ready = prepared(method, plan, tmp_path)
    source = ready.source(torch.Generator().manual_seed(1))
    assert isinstance(source, MrPairSource)
    (scan,) = source.real
    opened = finish(readers.open_path(path)).image
    assert isinstance(opened, Volume)
    used, grid = to_network_grid(opened, 1.25, 1, PERCENTILE)
    assert np.abs(scan.hu.numpy() - used).max() <= 0.5
    # 2.5 mm are counted for each voxel of 1.25 mm
    assert np.allclose(scan.origin.numpy(), grid.affine[2::-1, 3] * 2)
    assert float((scan.body - scan.origin).max()) <= 2.5 * (max(scan.hu.shape) - 1)

    pair = source.draw()
    assert pair.first.shape == (32, 32, 32)
    assert len(pair.index_first) >= 16
    figures = ready.probe(method.network().eval())
    assert 0 < figures["median_mm"] < 40


def test_places_of_a_pair_have_the_same_grey_where_nothing_is_changed(tmp_path: Path) -> None:
    method = MrMethod.of(SMALL)
    plan = RunPlan("sam", (str(scan_file(tmp_path)),))
    source = prepared(method, plan, tmp_path).source(torch.Generator().manual_seed(2))
    plain = pytest.MonkeyPatch()
    plain.setattr(sam_mr.augment_mr, "augmented", lambda values, rng: values)
    try:
        pair = source.draw()
    finally:
        plain.undo()
    at = [index.round().long() for index in (pair.index_first, pair.index_second)]
    one, other = (
        patch[index[:, 0], index[:, 1], index[:, 2]]
        for patch, index in zip((pair.first, pair.second), at, strict=True)
    )
    assert float(torch.corrcoef(torch.stack([one, other]))[0, 1]) > 0.8


def test_no_scans_give_no_pairs() -> None:
    source = MrPairSource([], 2.5, MrMethod.of({}).settings.drawing, torch.Generator())
    with pytest.raises(RunError, match="no scans"):
        source.draw()


def test_a_ct_scan_and_a_thin_one_are_not_learned_from(tmp_path: Path) -> None:
    path = tmp_path / "thin.nii.gz"
    sitk.WriteImage(sitk.GetImageFromArray(np.ones((4, 30, 30), np.int16)), str(path))
    with pytest.raises(RunError, match="None of the scans"):
        prepared(MrMethod.of({}), RunPlan("sam", (str(path),)), tmp_path)


def test_scans_with_too_little_tissue_end_the_run_in_a_sentence(tmp_path: Path) -> None:
    plan = RunPlan("sam", (str(scan_file(tmp_path, 0.2)),))
    with pytest.raises(RunError, match="shows enough tissue in voxels"):
        prepared(MrMethod.of({}), plan, tmp_path)


def test_full_precision_is_used_and_the_loss_is_a_number(tmp_path: Path) -> None:
    method = MrMethod.of({**SMALL, "n_negatives": 64, "n_pool": 64})
    plan = RunPlan("sam", (str(scan_file(tmp_path)),))
    rng = torch.Generator().manual_seed(3)
    drawn = [prepared(method, plan, tmp_path).source(rng).draw()]
    with torch.autocast("cpu", torch.bfloat16):
        outputs = method.outputs(method.network(), drawn)
    assert outputs[0][0][0].dtype is torch.float32
    loss, parts = method.loss(outputs, drawn, rng)
    assert torch.isfinite(loss)
    assert parts["loss"] == pytest.approx(float(loss.detach()), rel=1e-3)


def test_the_model_says_that_it_is_of_mr_and_how_its_values_are_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[Any] = []

    class Info:
        folder, sha256 = tmp_path, "0" * 64

    def export(_network: Any, promise: Any, *_rest: Any) -> tuple[Any, float]:
        told.append(promise)
        return Info, 1.0

    monkeypatch.setattr(sam_mr, "export", export)
    method = MrMethod.of({"spacing_mm": 1.5})
    source = Provenance((), "", "", "", {})
    values = method.export(torch.nn.Identity(), RunPlan("sam", ()), source, tmp_path)
    assert values["least_cosine"] == 1.0
    assert (told[0].modality.value, told[0].intensities) == ("MR", "percentile")
    assert told[0].spacing_mm == 1.5


def test_laying_out_counts_every_voxel_as_one_of_the_reference() -> None:
    scan = TrainingScan("s", torch.zeros(4, 4, 4), torch.ones(3), torch.ones(2, 3))
    out = laid_out(scan, 0.5)
    assert torch.equal(out.origin, torch.full((3,), 5.0))
    assert torch.equal(out.body, torch.full((2, 3), 5.0))
    assert replace(out, origin=scan.origin, body=scan.body).hu is scan.hu
