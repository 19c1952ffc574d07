"""Why an answer is what it is, in plain sentences."""

from collections.abc import Mapping
from typing import Any

__all__ = ['reason_sentences']

#: The terms of :class:`mmc2f.retrieval.rerank_terms.ReRankTerms`.
TERMS = {
    'softmax': 'the softmax',
    'log_softmax': 'the softmax',
    'votes': 'the votes of the neighbours',
    'cosine': 'the similarity to the class mean',
}
TIE = 'coarse order'


def reason_sentences(answer: Mapping[str, Any]) -> list[str]:
    """Tell in words what an answer rests on.

    Args:
        answer: Of :class:`mmc2f.C2FInferencer`.

    Returns:
        Sentences, the most telling first.
    """
    reason = answer.get('reason')
    if answer.get('went_on') is False:
        sentences = [
            f'The global pass answers {answer["pred_class"]} '
            f'({answer["pred_score"]:.2f}), sure enough to look no further.'
        ]
    elif reason is None:
        sentences = [
            f'The softmax answers {answer["pred_class"]} '
            f'({answer["pred_score"]:.2f}); there is no gallery to re-rank by.'
        ]
    else:
        sentences = [_order(reason), *_decision(reason), *_added(answer)]
    return [*sentences, *_neighbours(answer), *_sure(answer)]


def _order(reason: Mapping[str, Any]) -> str:
    winner, rival = reason['winner'], reason['rival']
    if reason['left_alone'] is not None:
        return f'The answer before re-ranking stays: {reason["left_alone"]}.'
    if rival is None:
        return f'{winner} is the only class that takes part.'
    if reason['changed']:
        return f'Re-ranking puts {winner} before {rival}.'
    return f'Re-ranking leaves {winner} first, before {rival}.'


def _decision(reason: Mapping[str, Any]) -> list[str]:
    """Which term decided, and what the others say."""
    decided = reason['decided_by']
    if decided is None:
        return []
    if decided == TIE:
        return ['Their scores are equal, so their order before counts.']
    margins = reason['margins']
    others = [
        f'{TERMS[name]}: {_lead(margin)}'
        for name, margin in margins.items()
        if name != decided
    ]
    first = f'{TERMS[decided]} decided: {_lead(margins[decided])}'
    sentence = '; '.join([first, *others]) + '.'
    return [sentence[0].upper() + sentence[1:]]


def _lead(margin: float) -> str:
    if margin == 0:
        return 'the same for both'
    return f'{abs(margin):.2f} {"for" if margin > 0 else "against"} it'


def _added(answer: Mapping[str, Any]) -> list[str]:
    """What is said of a class that the model was not trained on."""
    shares = {
        part['class']: part['share']
        for part in answer['reason'].get('only_in_gallery', ())
    }
    name = answer['pred_class']
    if name not in shares:
        return []
    return [
        f'{name} is known from the gallery only; its class mean gives it '
        f'{shares[name]:.2f} of the probability.'
    ]


def _neighbours(answer: Mapping[str, Any]) -> list[str]:
    found = answer.get('neighbours')
    if not found:
        return []
    same = sum(n['class'] == answer['pred_class'] for n in found)
    return [
        f'{same} of the {len(found)} nearest gallery images are '
        f'{answer["pred_class"]}.'
    ]


def _sure(answer: Mapping[str, Any]) -> list[str]:
    if 'finest_sure' not in answer:
        return []
    sure = answer['finest_sure']
    if sure is None:
        return ['No level of the tree is sure enough.']
    return [
        f'Sure enough down to the level {sure["level"]}: {sure["class"]} '
        f'({sure["probability"]:.2f}).'
    ]
