"""Right answers, read from a file of predictions."""

import json

import pytest
import torch
from mmengine.structures import BaseDataElement

from mmc2f.apis.ablation.predictions import correct_answers
from mmc2f.evaluation import rerank_accuracy
from mmc2f.retrieval.prediction_record import prediction_record


def write(path, records):
    path.write_text(''.join(json.dumps(record) + '\n' for record in records))
    return path


def record(image, truth='a', best='a', **more):
    coarse = [{'class': best, 'probability': 1.0}]
    return dict(image=image, truth=truth, coarse=coarse, **more)


def test_agrees_with_the_metric(tmp_path):
    """Records as the test writes them, of random scores."""
    generator = torch.Generator().manual_seed(0)
    labels = torch.randint(5, (40,), generator=generator)
    coarse, reranked = torch.rand(2, 40, 5, generator=generator)
    retrieval = torch.rand(40, 5, generator=generator)
    order = retrieval.argsort(dim=1, descending=True)
    samples = [
        BaseDataElement(
            img_path=f'{i:02d}.png',
            gt_label=labels[i : i + 1],
            coarse_score=coarse[i],
            pred_score=reranked[i],
            neighbour_ids=[f'{c}' for c in order[i].tolist()],
            neighbour_labels=order[i],
            neighbour_similarities=retrieval[i][order[i]],
        )
        for i in range(40)
    ]
    path = write(
        tmp_path / 'p.jsonl',
        [prediction_record(s, 'abcde') for s in reversed(samples)],
    )
    expected = rerank_accuracy(labels, coarse, retrieval, reranked)
    hits = {}
    for measure, name in (
        ('coarse', 'coarse'),
        ('retrieval', 'retrieval'),
        ('reranked', 'rerank'),
    ):
        images, hits[measure] = correct_answers(path, measure)
        assert images == [f'{i:02d}.png' for i in range(40)]
        accuracy = 100 * hits[measure].double().mean().item()
        assert accuracy == pytest.approx(expected[f'{name}_top1'])
    mended = ~hits['coarse'] & hits['reranked']
    assert mended.sum() == expected['mended']


def test_one_view_of_several(tmp_path):
    path = write(
        tmp_path / 'p.jsonl',
        [
            record('1', view='high'),
            record('1', view='low', best='b'),
            record('2', view='low', truth='b', best='b'),
        ],
    )
    images, correct = correct_answers(path, 'coarse', 'low')
    assert (images, correct.tolist()) == (['1', '2'], [False, True])
    with pytest.raises(ValueError, match='line 2: 1 is no name of one image'):
        correct_answers(path, 'coarse')
    with pytest.raises(ValueError, match="no predictions of the view 'x'"):
        correct_answers(path, 'coarse', 'x')


def test_nothing_retrieved_is_wrong(tmp_path):
    path = write(tmp_path / 'p.jsonl', [record('1', neighbours=[])])
    assert correct_answers(path, 'retrieval')[1].tolist() == [False]


@pytest.mark.parametrize(
    ('given', 'measure', 'message'),
    [
        (record(None), 'coarse', 'None is no name'),
        (record('1', truth=None), 'coarse', 'line 1 has no truth'),
        (record('1'), 'reranked', "no 'reranked': the test must re-rank"),
    ],
)
def test_refuses(tmp_path, given, measure, message):
    path = write(tmp_path / 'p.jsonl', [given])
    with pytest.raises(ValueError, match=message):
        correct_answers(path, measure)
