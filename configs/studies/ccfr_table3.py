"""Table 3 of CCFR: what each component is worth, on three data sets.

As in the paper each row has all that stands above it. The second one trains
the plain fine-tune with the multi-level loss; from the third one on it is
CCFR, whose training has stages.
"""

title = 'CCFR, component by component'
seeds = (0, 1, 2)

# Name: end of the configs' names, label tree of the multi-level loss.
clustering = dict(type='mmc2f.ClassClustering', num_clusters='silhouette')
datasets = {
    'birds': ('cub2010_lite0', clustering),
    'Grocery': ('grocery', clustering),
    'fonts': ('fonts', 'fonts'),
}
multi_level_loss = dict(
    type='mmc2f.MultiLevelLoss', lam=1.0, label_smoothing=0.1
)
concatenated = dict(fusion=dict(mode='pool_concat'))
rows = [
    dict(row, group=group)
    for group, (data, tree) in datasets.items()
    for row in [
        dict(name='plain fine-tune', config=f'../baseline_{data}.py'),
        dict(
            name='+ multi-level loss',
            config=f'../baseline_{data}.py',
            overrides=dict(
                model=dict(
                    tree=tree,
                    head=dict(
                        type='mmc2f.MultiLevelHead',
                        loss=dict(multi_level_loss, _delete_=True),
                    ),
                )
            ),
        ),
        dict(
            name='+ local regions',
            config=f'../ccfr_{data}.py',
            overrides=dict(
                model=dict(nms=dict(separate=False), **concatenated)
            ),
            test_options=('--no-rerank',),
        ),
        dict(
            name='+ scale-separated NMS',
            config=f'../ccfr_{data}.py',
            overrides=dict(model=concatenated),
            test_options=('--no-rerank',),
        ),
        dict(name='+ fusion network', config=f'../ccfr_{data}.py'),
        dict(
            name='+ re-ranking',
            config=f'../ccfr_{data}.py',
            measure='reranked',
        ),
    ]
]
