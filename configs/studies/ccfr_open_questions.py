"""What the paper of CCFR leaves open, one question a table."""

title = 'Questions that the paper of CCFR leaves open'
seeds = (0, 1, 2)

# End of the configs' names, known label tree.
datasets = {'birds': ('cub2010_lite0', 'cub'), 'fonts': ('fonts', 'fonts')}


clustering = dict(type='mmc2f.ClassClustering', _delete_=True)
post_processor = 'custom_hooks[ReRankHook].post_processor'

# Rows of a question differ in what they override; the first is the default
# of the configs.
questions = {
    'coarse answer': [
        dict(name='of the embedding'),
        dict(
            name='of the global feature',
            test_overrides={'model.coarse_source': 'global'},
        ),
    ],
    'gate of re-ranking': [
        dict(name='each class by its own score', measure='reranked'),
        dict(
            name='by the best score',
            measure='reranked',
            test_overrides={f'{post_processor}.gate': 'top1'},
        ),
    ],
    'how the navigator learns': [
        dict(name='ranking by confidence'),
        dict(
            name='and straight-through gate',
            overrides={'model.region_gate': 'straight_through'},
        ),
        dict(
            name='ranking by triplet margin',
            overrides={'model.ranking_target': 'triplet_margin'},
            reference='ranking by confidence',
        ),
    ],
    'super classes': [
        dict(
            name='number by silhouette',
            overrides={
                'model.global_head.tree': dict(
                    clustering, num_clusters='silhouette'
                )
            },
        ),
        *(
            dict(
                name=f'{count} clusters',
                overrides={
                    'model.global_head.tree': dict(
                        clustering, num_clusters=count
                    )
                },
                reference='number by silhouette',
            )
            for count in (4, 8, 16)
        ),
        dict(
            name='known tree',
            overrides={'model.global_head.tree': 'TAXONOMY'},
            reference='number by silhouette',
        ),
    ],
}
rows = [
    dict(
        row,
        group=f'{group}: {question}',
        config=f'../ccfr_{data}.py',
        overrides={
            key: taxonomy if value == 'TAXONOMY' else value
            for key, value in row.get('overrides', {}).items()
        },
    )
    for group, (data, taxonomy) in datasets.items()
    for question, answers in questions.items()
    for row in answers
]
