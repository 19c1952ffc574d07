"""Classifiers of child and super classes on one feature, Section 3.1."""

import logging
from collections.abc import Sequence

import torch
from mmengine.logging import print_log
from mmpretrain.evaluation.metrics import Accuracy
from mmpretrain.models.heads import ClsHead
from mmpretrain.structures import DataSample
from torch import Tensor, nn

from mmc2f.models.heads.cosine_cls_head import CosineLinear, feature_norm
from mmc2f.registry import MODELS
from mmc2f.structures import LabelTree

__all__ = ['MultiLevelHead', 'hard_labels']


@MODELS.register_module()
class MultiLevelHead(ClsHead):
    """One linear classifier for the classes, one for their super classes.

    It has the contract of an mmpretrain head, so it also works in a plain
    ``ImageClassifier`` (Table 3, second row).

    The label tree is saved with the weights, as a buffer of JSON bytes. A
    head built without a tree takes it from the checkpoint it loads; till
    then it predicts, but cannot compute its loss.

    Args:
        num_classes: C, child classes.
        in_channels: Length of the feature.
        tree: What :meth:`LabelTree.build` takes. None, or the config of a
            clustering (a dict with a ``type``), leaves it open: it is set
            later, by ``tools/train.py`` or by a checkpoint.
        parent_level: Level of the tree that holds the super classes.
        loss: Config of the loss.
        scale: None for linear classifiers. A number makes them cosine
            classifiers on the normalised feature, see
            :class:`~mmc2f.models.CosineClsHead`.
        **kwargs: ``topk`` and ``cal_acc`` of mmpretrain's ``ClsHead``.

    Raises:
        ValueError: The tree has another number of classes, or not the level.
    """

    def __init__(
        self,
        num_classes: int,
        in_channels: int,
        tree=None,
        parent_level: int | str = 1,
        loss: dict = dict(type='mmc2f.MultiLevelLoss'),  # noqa: B006
        scale: float | None = None,
        init_cfg: dict | None = dict(  # noqa: B006
            type='Normal', layer='Linear', std=0.01
        ),
        **kwargs,
    ) -> None:
        super().__init__(loss=loss, init_cfg=init_cfg, **kwargs)
        self.num_classes = num_classes
        self.in_channels = in_channels
        self.parent_level = parent_level
        self.scale = scale
        self.norm = (
            nn.Identity() if scale is None else feature_norm(in_channels)
        )
        self.fc = self._classifier(num_classes)
        self.fc_parent: nn.Linear | CosineLinear | None = None
        self.tree: LabelTree | None = None
        self.register_buffer('tree_json', torch.empty(0, dtype=torch.uint8))
        self.register_buffer(
            'parent_of', torch.empty(0, dtype=torch.long), persistent=False
        )
        is_clustering = isinstance(tree, dict) and 'type' in tree
        if tree is not None and not is_clustering:
            self.set_tree(LabelTree.build(tree))

    def set_tree(self, tree: LabelTree) -> None:
        """Take this tree and make the classifier of its super classes.

        Call it before an optimizer collects the parameters.
        """
        tree.check_num_classes(self.num_classes, 'the multi-level head')
        device = self.fc.weight.device
        self.parent_of = tree.ancestors(self.parent_level).to(device)
        self.tree = tree
        self.tree_json = tree.to_buffer().to(device)
        parents = tree.num_classes(self.parent_level)
        classifier = self._classifier(parents).to(device)
        if isinstance(classifier, nn.Linear):
            nn.init.normal_(classifier.weight, std=0.01)
            nn.init.zeros_(classifier.bias)
        self.fc_parent = classifier

    def _classifier(self, classes: int) -> nn.Linear | CosineLinear:
        if self.scale is None:
            return nn.Linear(self.in_channels, classes)
        return CosineLinear(self.in_channels, classes, self.scale)

    def pre_logits(self, feats: tuple[Tensor, ...]) -> Tensor:
        """The feature that is classified, ``(B, D)``."""
        return self.norm(super().pre_logits(feats))

    def forward(self, feats: tuple[Tensor, ...]) -> Tensor:
        """Logits of the child classes ``(B, C)``."""
        return self.fc(self.pre_logits(feats))

    def loss(
        self, feats: tuple[Tensor, ...], data_samples: list, **kwargs
    ) -> dict[str, Tensor]:
        """Multi-level loss, Eq. (4); ``l1``, ``l2``, ``lh`` are logged.

        Raises:
            RuntimeError: The head has no tree yet.
            ValueError: Labels are mixed, see :func:`hard_labels`.
        """
        if self.fc_parent is None:
            raise RuntimeError(
                'the multi-level loss needs a label tree: name one in the '
                'config (tree = ...), or train with tools/train.py, which '
                'clusters the classes where the config says so'
            )
        feature = self.pre_logits(feats)
        labels = hard_labels(data_samples, feature.device)
        logits = self.fc(feature)
        terms = self.loss_module(
            logits, self.fc_parent(feature), labels, self.parent_of, **kwargs
        )
        losses = {name: terms[name].detach() for name in ('l1', 'l2', 'lh')}
        losses['loss'] = terms['total']
        if self.cal_acc:
            accuracies = Accuracy.calculate(logits, labels, topk=self.topk)
            for k, accuracy in zip(self.topk, accuracies, strict=True):
                losses[f'accuracy_top-{k}'] = accuracy
        return losses

    def _load_from_state_dict(self, state_dict, prefix, *args) -> None:
        stored = LabelTree.from_buffer(state_dict.get(prefix + 'tree_json'))
        if stored is not None:
            self._adopt(stored)
        if self.tree is not None:
            # Where another tree was kept, or the checkpoint had none.
            state_dict = {**state_dict, prefix + 'tree_json': self.tree_json}
        super()._load_from_state_dict(state_dict, prefix, *args)

    def _adopt(self, stored: LabelTree) -> None:
        """Take a checkpoint's tree, or refuse one that contradicts ours."""
        if stored.num_classes() != self.num_classes:
            print_log(
                f'The checkpoint has a label tree of {stored.num_classes()} '
                f'classes, the head has {self.num_classes}: the tree is not '
                'taken over.',
                logger='current',
                level=logging.WARNING,
            )
        elif self.tree is None:
            self.set_tree(stored)
        elif difference := self.tree.describe_difference(stored):
            raise ValueError(
                'the label tree of the checkpoint is not that of the config: '
                f'{difference}. Set tree = None to use the checkpoint.'
            )


def hard_labels(
    data_samples: Sequence[DataSample], device: torch.device
) -> Tensor:
    """Classes ``(B,)`` of the samples, on ``device``.

    Raises:
        ValueError: Mixup or CutMix has made scores of the labels; an image
            of two classes has neither a super class nor a triplet.
    """
    if any('gt_score' in sample for sample in data_samples):
        raise ValueError(
            'the losses need one class per image, but the samples '
            'have a gt_score: leave out Mixup, CutMix and other '
            'batch_augments of the data_preprocessor'
        )
    return torch.cat([sample.gt_label for sample in data_samples]).to(device)
