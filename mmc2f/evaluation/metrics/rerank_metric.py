"""Metric for :func:`rerank_accuracy`."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from mmc2f.datasets.resolution_view import of_first_view
from mmc2f.evaluation.functional.rerank_accuracy import rerank_accuracy
from mmc2f.evaluation.metrics.multi_level_metric import TreeMetric
from mmc2f.registry import METRICS

__all__ = ['ReRankMetric']


@METRICS.register_module()
class ReRankMetric(TreeMetric):
    """Coarse, retrieval and re-ranked accuracy in one run, in percent.

    The names are those of :func:`rerank_accuracy`: ``coarse_top1``,
    ``retrieval_top1``, ``rerank_top1``, the same with ``top5``, ``mended``,
    ``broken`` and, with a tree, ``coarse_{level}_top1`` and so on. Samples
    that were not re-ranked have the coarse metrics only.

    Reads ``gt_label``, ``coarse_score`` (else ``pred_score``) and, of a
    re-ranked sample, ``pred_score`` and ``retrieval_score``; the latter, or
    ``neighbour_labels``, is what tells that a sample was re-ranked. With a
    cascade (``went_on``) an image that ended early counts with the answer of
    the global pass, before and after, and there is no retrieval alone.

    Of :class:`mmc2f.MultiResolutionDataset` only the first view at the finest
    level is evaluated, so that each image counts once and its class is one of
    the gallery's. ``level`` and ``view`` of a sample are optional.

    Args:
        tree: Hierarchy, as :meth:`LabelTree.build` takes it, or ``None``.
        **kwargs: Of MMEngine's ``BaseMetric``.

    Raises:
        ValueError: The dataset's classes are not those of the tree, a field
            is missing, only part of the samples was re-ranked, or there was
            no sample at the finest level.
    """

    default_prefix = 'rerank'

    def process(self, data_batch: Any, data_samples: Sequence[dict]) -> None:
        """Keep the view, scores and labels of a batch.

        Samples of other levels keep an empty entry: MMEngine drops what a
        distributed sampler repeated by its position among all samples.
        """
        self.results += [
            (sample.get('view'), {} if sample.get('level') else _read(sample))
            for sample in data_samples
        ]

    def compute_metrics(
        self, results: list[tuple[str | None, dict[str, Tensor]]]
    ) -> dict[str, float]:
        """Accuracies over all samples of the first view that counts."""
        finest = [(view, fields) for view, fields in results if fields]
        if not finest:
            raise ValueError(
                'ReRankMetric got no prediction at the finest level among '
                f'{len(results)}: is the test set empty, or has it no view '
                'at that level?'
            )
        rows = of_first_view(finest)
        names = set(rows[0])
        if any(set(row) != names for row in rows):
            raise ValueError(
                'Only part of the predictions was re-ranked: the metric '
                'needs all of them, or none.'
            )
        columns = {
            name: torch.stack([row[name] for row in rows])
            for name in names
        }
        return rerank_accuracy(**columns, tree=self.tree)


def _read(sample: dict) -> dict[str, Tensor]:
    """Arguments of :func:`rerank_accuracy` for one sample."""
    for name in ('gt_label', 'pred_score'):
        if name not in sample:
            raise ValueError(
                f'Data samples have no {name!r}; they have '
                + ', '.join(sorted(sample))
            )
    fields = {
        'labels': sample['gt_label'].reshape(()),
        'coarse': sample.get('coarse_score', sample['pred_score']),
    }
    if 'retrieval_score' in sample:
        fields['retrieval'] = sample['retrieval_score']
    if 'went_on' in sample:
        fields.pop('retrieval', None)
        fields['reranked'] = sample['pred_score']
    elif 'retrieval_score' in sample or 'neighbour_labels' in sample:
        fields['reranked'] = sample['pred_score']
    return {name: value.cpu() for name, value in fields.items()}
