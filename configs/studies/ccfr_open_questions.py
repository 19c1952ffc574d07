"""What the paper of CCFR leaves open, one question a table."""

title = 'Questions that the paper of CCFR leaves open'
seeds = (0, 1, 2)

# End of the configs' names, known label tree.
datasets = {'birds': ('cub2010_lite0', 'cub'), 'fonts': ('fonts', 'fonts')}


clustering = dict(type='mmc2f.ClassClustering', _delete_=True)
post_processor = 'custom_hooks[ReRankHook].post_processor'
gallery = 'custom_hooks[ReRankHook].gallery'
# As printed, on cosines of the embeddings as they are.
paper = {f'{post_processor}.mode': 'paper', f'{gallery}.whiten': None}

# Rows of a question differ in what they override; the first is the default
# of the configs.
questions = {
    'coarse answer': [
        dict(name='of the global feature'),
        dict(
            name='of the embedding',
            test_overrides={'model.coarse_source': 'fused'},
        ),
        dict(
            name='of both and the regions',
            test_overrides={'model.coarse_source': 'joined'},
            reference='of the global feature',
        ),
    ],
    'gate of Eq. 8': [
        dict(
            name=name,
            measure='reranked',
            test_overrides={**paper, f'{post_processor}.gate': gate},
        )
        for name, gate in [
            ('each class by its own score', 'per_class'),
            ('by the best score', 'top1'),
        ]
    ],
    'whitening of the gallery, by retrieval': [
        dict(
            name='none' if kind is None else kind.upper(),
            measure='retrieval',
            test_overrides={f'{gallery}.whiten': kind},
            reference='none' if kind else None,
        )
        for kind in (None, 'lda', 'pca')
    ],
    # With the parameters' defaults; ccfr_fig6.py tunes them.
    'mode of re-ranking': [
        dict(name='coarse answer'),
        dict(
            name='paper, Eq. 8 and 9',
            measure='reranked',
            test_overrides=paper,
        ),
        *(
            dict(
                name=f'{mode}, whitened',
                measure='reranked',
                test_overrides={
                    f'{post_processor}.mode': mode,
                    f'{gallery}.whiten': 'lda',
                },
                reference='coarse answer',
            )
            for mode in ('kernel', 'prototypes')
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
    'random regions': [
        dict(name='classified and compared'),
        dict(
            name='compared only',
            overrides={'model.classify_random': False},
        ),
    ],
    'super classes': [
        dict(
            name='number by silhouette',
            overrides={
                'model.tree': dict(clustering, num_clusters='silhouette')
            },
        ),
        *(
            dict(
                name=f'{count} clusters',
                overrides={'model.tree': dict(clustering, num_clusters=count)},
                reference='number by silhouette',
            )
            for count in (4, 8, 16)
        ),
        dict(
            name='known tree',
            overrides={'model.tree': 'TAXONOMY'},
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
# The global pass sees 224 pixels either way; images of the fonts have no more.
small = dict(
    {
        'model.global_size': None,
        'train_dataloader.dataset.pipeline[RandomResizedCrop].scale': 224,
    },
    **{
        f'{split}_dataloader.dataset.pipeline[{kind}].{name}': size
        for split in ('val', 'test')
        for kind, name, size in [
            ('ResizeEdge', 'scale', 256),
            ('CenterCrop', 'crop_size', 224),
        ]
    },
)
rows += [
    dict(
        row,
        group=f'{group}: source of the crops',
        config=f'../ccfr_{data}.py',
    )
    for group, data in [('birds', 'cub2010_lite0'), ('Grocery', 'grocery')]
    for row in [
        dict(name='the input of 224 pixels', overrides=small),
        dict(name='the image at 448 pixels'),
    ]
]
