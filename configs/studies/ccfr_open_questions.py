"""What the paper of CCFR leaves open, one question a table."""

title = 'Questions that the paper of CCFR leaves open'
seeds = (0, 1, 2)

# End of the configs' names, known label tree.
datasets = {'birds': ('cub2010_lite0', 'cub'), 'fonts': ('fonts', 'fonts')}


clustering = dict(type='mmc2f.ClassClustering', _delete_=True)
post_processor = 'custom_hooks[ReRankHook].post_processor'
gallery = 'custom_hooks[ReRankHook].gallery'


whitened = dict(type='mmc2f.Gallery', whiten='lda')

# Rows of a question differ in what they override; the first is the default
# of the configs.
questions = {
    'coarse answer': [
        dict(name='of the embedding'),
        dict(
            name='of the global feature',
            test_overrides={'model.coarse_source': 'global'},
        ),
        dict(
            name='of both and the regions',
            test_overrides={'model.coarse_source': 'joined'},
            reference='of the embedding',
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
    'whitening of the gallery, by retrieval': [
        dict(name='none', measure='retrieval'),
        *(
            dict(
                name=kind.upper(),
                measure='retrieval',
                test_overrides={
                    gallery: dict(type='mmc2f.Gallery', whiten=kind)
                },
                reference='none',
            )
            for kind in ('lda', 'pca')
        ),
    ],
    # With the parameters' defaults, not tuned.
    'mode of re-ranking': [
        dict(name='coarse answer'),
        dict(
            name='paper, Eq. 8 and 9',
            measure='reranked',
            test_overrides={f'{post_processor}.mode': 'paper'},
        ),
        *(
            dict(
                name=f'{mode}, whitened',
                measure='reranked',
                test_overrides={
                    f'{post_processor}.mode': mode,
                    gallery: whitened,
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
# The global pass sees the same 224 pixels; images of the fonts have no more.
large = dict(
    {
        'model.global_size': 224,
        'train_dataloader.dataset.pipeline[RandomResizedCrop].scale': 448,
    },
    **{
        f'{split}_dataloader.dataset.pipeline[{kind}].{name}': size
        for split in ('val', 'test')
        for kind, name, size in [
            ('ResizeEdge', 'scale', 512),
            ('CenterCrop', 'crop_size', 448),
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
        dict(name='the input of 224 pixels'),
        dict(name='the image at 448 pixels', overrides=large),
    ]
]
