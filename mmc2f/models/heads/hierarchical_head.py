"""One classifier for each level of a class hierarchy."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path

import torch
from mmpretrain.models.heads import ClsHead
from mmpretrain.structures import DataSample
from torch import Tensor, nn

from mmc2f.models.heads.cosine_cls_head import CosineLinear, feature_norm
from mmc2f.models.heads.multi_level_head import hard_labels
from mmc2f.registry import MODELS
from mmc2f.structures import (
    LabelTree,
    combine_levels,
    finest_confident_level,
)


@MODELS.register_module()
class HierarchicalHead(ClsHead):
    """Classifiers of all levels on one shared feature.

    .. code-block:: text

                   ┌► fcs[0] ─► species     (high resolution)
        feature ───┼► fcs[1] ─► genus       (medium)
                   └► fcs[2] ─► family      (low)

    The ``level`` of a sample, an index into the tree, selects the classifier
    that learns from it and the one that answers; a sample without one has
    level 0, the finest. The loss is Eq. (7) of MLPH: the sum, over the
    levels in a batch, of the mean loss of the samples at that level. Where
    each batch is of one level, the sum runs over the batches of a turn.

    The tree is saved with the weights, and a checkpoint that carries another
    tree is refused.

    Args:
        tree: Hierarchy, as :meth:`LabelTree.build` takes it.
        in_channels: Length of the feature.
        num_classes: Classes of the finest level; only to check the tree.
        loss: Config of the loss, built once for each level.
        scale: None for linear classifiers. A number makes them cosine
            classifiers on the normalised feature, see
            :class:`~mmc2f.models.CosineClsHead`.
        level_thresholds: For each level the confidence from which on its
            answer is given, None for a level that never answers; see
            ``tools/calibrate_levels.py``. With them predictions carry the
            finest confident answer too.
        combine: What answers a level at inference, see
            :func:`combine_levels`: ``'none'`` its own classifier alone, as
            in the paper; ``'marginal'`` the sum of the finest probabilities;
            ``'product'`` both, by ``level_weights``. The finest level is
            always that of its own classifier, and training is the same.
        level_weights, level_sharpness: For ``'product'``, one a level or one
            for all; ``tools/calibrate_levels.py --combine`` finds them.
        **kwargs: Of mmpretrain's ``ClsHead``.

    Raises:
        ValueError: The tree has another number of classes than
            ``num_classes``, there is not one threshold per level, ``combine``
            is none of these, or weights are out of range.
    """

    def __init__(
        self,
        tree: LabelTree | str | Path | Mapping,
        in_channels: int,
        num_classes: int | None = None,
        loss: dict = dict(type='mmpretrain.CrossEntropyLoss'),  # noqa: B006
        scale: float | None = None,
        level_thresholds: Sequence[float | None] | None = None,
        combine: str = 'none',
        level_weights: float | Sequence[float] = 0.5,
        level_sharpness: float | Sequence[float] = 1.0,
        init_cfg: dict | None = dict(  # noqa: B006
            type='Normal', layer='Linear', std=0.01
        ),
        **kwargs,
    ) -> None:
        super().__init__(loss=loss, init_cfg=init_cfg, **kwargs)
        self.tree = LabelTree.build(tree)
        if num_classes is not None:
            self.tree.check_num_classes(num_classes, 'the hierarchical head')
        self.num_classes = self.tree.num_classes()
        self.in_channels = in_channels
        self.level_thresholds = self._checked(level_thresholds)
        self._combination = _combination(
            combine, level_weights, level_sharpness
        )
        self._check_combination()
        levels = self.tree.levels
        self.norm = (
            nn.Identity() if scale is None else feature_norm(in_channels)
        )
        classifier: Callable[[int, int], nn.Module] = nn.Linear
        if scale is not None:
            classifier = partial(CosineLinear, scale=scale)
        self.fcs = nn.ModuleList(
            classifier(in_channels, self.tree.num_classes(level))
            for level in levels
        )
        # Some losses remember the number of classes they first saw.
        self.loss_module = nn.ModuleList(MODELS.build(loss) for _ in levels)
        self.register_buffer('tree_json', self.tree.to_buffer())

    def pre_logits(self, feats: tuple[Tensor, ...]) -> Tensor:
        """The neck's last feature ``(B, in_channels)``, normalised."""
        return self.norm(feats[-1])

    def forward(self, feats: tuple[Tensor, ...]) -> Tensor:
        """Logits of the finest level ``(B, C_0)``."""
        return self.fcs[0](self.pre_logits(feats))

    def loss(
        self, feats: tuple[Tensor, ...], data_samples: list[DataSample]
    ) -> dict[str, Tensor]:
        """``loss_LEVEL`` for each level in the batch, Eq. (7).

        Raises:
            ValueError: A sample's level is not of the tree, its label not of
                that level, or labels are mixed, see :func:`hard_labels`.
        """
        feature = self.pre_logits(feats)
        # Checked where they lie, on a CPU mostly, so that no GPU waits.
        self._check_labels(data_samples)
        labels = hard_labels(data_samples, feature.device)
        levels = torch.tensor([_level(sample) for sample in data_samples])
        losses = {}
        for level in levels.unique().tolist():
            rows = (levels == level).nonzero().flatten().to(feature.device)
            logits = self.fcs[level](feature[rows])
            name = self.tree.levels[level]
            losses[f'loss_{name}'] = self.loss_module[level](
                logits, labels[rows]
            )
        return losses

    def predict(
        self,
        feats: tuple[Tensor, ...],
        data_samples: list[DataSample] | None = None,
    ) -> list[DataSample]:
        """Predictions at the level of each sample, and at all others.

        Returns:
            Samples with ``pred_score (C_l,)`` and ``pred_label`` of their
            level l, and ``level_scores``, a list of the probabilities
            ``(C_i,)`` of every level, by ``combine``. With
            ``level_thresholds`` also ``answer_level`` (-1: no level is
            confident), ``answer_label`` and ``answer_score``, the finest
            confident answer.

        Raises:
            ValueError: A sample's level is not of the tree.
        """
        feature = self.pre_logits(feats)
        scores = self._level_scores(feature)
        if data_samples is None:
            data_samples = [None] * len(feature)
        samples = [s if s is not None else DataSample() for s in data_samples]
        for i, sample in enumerate(samples):
            sample.level_scores = [score[i] for score in scores]
            own = sample.level_scores[self._level_of(sample)]
            sample.set_pred_score(own)
            sample.set_pred_label(own.argmax(dim=0, keepdim=True))
        if self.level_thresholds is not None:
            self._answer(scores, samples)
        return samples

    def check_levels(self, metainfo: Mapping) -> None:
        """Check that a data set serves the levels that the head has.

        Args:
            metainfo: Of the data set; without ``level_classes`` nothing is
                checked.

        Raises:
            ValueError: Other levels, or another number of classes in one.
        """
        if 'level_classes' not in metainfo:
            return
        counts = [len(names) for names in metainfo['level_classes']]
        served = dict(zip(metainfo['levels'], counts, strict=True))
        own = {name: self.tree.num_classes(name) for name in self.tree.levels}
        if list(served.items()) != list(own.items()):
            raise ValueError(
                f'the data set serves the levels {served}, but the '
                f'hierarchical head has {own}: give both the same tree'
            )

    def _level_scores(self, feature: Tensor) -> list[Tensor]:
        """Probabilities ``(B, C_i)`` of each level."""
        logits = [fc(feature).float() for fc in self.fcs]
        if self._combination is None:
            return [z.softmax(dim=1) for z in logits]
        return combine_levels(logits, self.tree, *self._combination)

    def _answer(self, scores: list[Tensor], samples: list[DataSample]) -> None:
        """Note down the finest answer that is confident enough."""
        best = [score.max(dim=1) for score in scores]
        confidence = torch.stack([b.values for b in best], dim=1)
        labels = torch.stack([b.indices for b in best], dim=1).cpu()
        levels = finest_confident_level(
            confidence, self.level_thresholds
        ).tolist()
        for i, (sample, level) in enumerate(zip(samples, levels, strict=True)):
            sample.answer_level = level
            sample.answer_label = -1 if level < 0 else int(labels[i, level])
            sample.answer_score = 0.0
            if level >= 0:
                sample.answer_score = float(confidence[i, level])

    def _checked(self, thresholds: Sequence[float | None] | None):
        if thresholds is not None and len(thresholds) != self.tree.num_levels:
            raise ValueError(
                f'level_thresholds has {len(thresholds)} entries, but the '
                f'levels are {", ".join(self.tree.levels)}: give one per level'
            )
        return None if thresholds is None else tuple(thresholds)

    def _check_combination(self) -> None:
        """Refuse weights now, and not at the first prediction."""
        if self._combination is not None:
            empty = [
                torch.zeros(0, self.tree.num_classes(level))
                for level in self.tree.levels
            ]
            combine_levels(empty, self.tree, *self._combination)

    def _check_labels(self, data_samples: list[DataSample]) -> None:
        for sample in data_samples:
            level = self._level_of(sample)
            classes = self.tree.num_classes(level)
            label = sample.get('gt_label')
            if label is not None and not 0 <= int(label.max()) < classes:
                raise ValueError(
                    f'{sample.get("img_path", "a sample")} has gt_label '
                    f'{int(label.max())}, but level '
                    f'{self.tree.levels[level]!r} has {classes} classes'
                )

    def _level_of(self, sample: DataSample) -> int:
        """Level of a sample.

        Raises:
            ValueError: The tree has no such level.
        """
        level = _level(sample)
        if not 0 <= level < self.tree.num_levels:
            raise ValueError(
                f'{sample.get("img_path", "a sample")} has level {level}, '
                f'but the levels are 0..{self.tree.num_levels - 1} '
                f'({", ".join(self.tree.levels)})'
            )
        return level

    def _load_from_state_dict(self, state_dict, prefix, *args) -> None:
        name = prefix + 'tree_json'
        stored = LabelTree.from_buffer(state_dict.get(name))
        if stored is not None:
            difference = self.tree.describe_difference(stored)
            if difference:
                raise ValueError(
                    'the label tree of the checkpoint is not that of the '
                    f'hierarchical head: {difference}'
                )
        # Missing in a checkpoint of another model, which is fine.
        state_dict = {**state_dict, name: self.tree_json}
        super()._load_from_state_dict(state_dict, prefix, *args)


def _level(sample: DataSample) -> int:
    return int(sample.get('level', 0))


def _combination(
    combine: str,
    weights: float | Sequence[float],
    sharpness: float | Sequence[float],
) -> tuple | None:
    """Weight and sharpness for :func:`combine_levels`; None: own alone."""
    choices = {
        'none': None,
        'marginal': (0.0, 1.0),
        'product': (weights, sharpness),
    }
    if combine not in choices:
        raise ValueError(
            f'combine is one of {tuple(choices)}, but got {combine!r}'
        )
    return choices[combine]
