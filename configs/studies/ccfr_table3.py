"""Table 3 of CCFR: what each component is worth, on three data sets.

As in the paper each row has all that stands above it, down to re-ranking. The
second one trains the plain fine-tune with the multi-level loss; from the third
one on it is CCFR, whose training has stages. The last rows are CCFR as the
configs have it, and the plain fine-tune re-ranked.
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
multi_level_head = dict(
    type='mmc2f.MultiLevelHead',
    scale=16.0,
    loss=dict(
        _delete_=True,
        type='mmc2f.MultiLevelLoss',
        lam=1.0,
        label_smoothing=0.1,
    ),
)
# The paper's coarse answer is that of the embedding.
concatenated = dict(coarse_source='fused', fusion=dict(mode='pool_concat'))
fused = dict(coarse_source='fused', fusion=dict(mode='conv'))
rows = [
    dict(row, group=group)
    for group, (data, tree) in datasets.items()
    for row in [
        dict(name='plain fine-tune', config=f'../baseline_{data}.py'),
        dict(
            name='+ multi-level loss',
            config=f'../baseline_{data}.py',
            overrides=dict(model=dict(tree=tree, head=multi_level_head)),
        ),
        dict(
            name='+ local regions',
            config=f'../ccfr_{data}.py',
            overrides=dict(model=dict(concatenated, nms=dict(separate=False))),
        ),
        dict(
            name='+ scale-separated NMS',
            config=f'../ccfr_{data}.py',
            overrides=dict(model=concatenated),
        ),
        dict(
            name='+ fusion network',
            config=f'../ccfr_{data}.py',
            overrides=dict(model=fused),
        ),
        dict(
            name='+ re-ranking',
            config=f'../ccfr_{data}.py',
            overrides=dict(model=fused),
            measure='reranked',
        ),
        dict(
            name='plain fine-tune, re-ranked',
            config=f'../baseline_{data}.py',
            measure='reranked',
            reference='plain fine-tune',
        ),
        dict(
            name='CCFR as configured',
            config=f'../ccfr_{data}.py',
            reference='plain fine-tune',
        ),
        dict(
            name='CCFR as configured, re-ranked',
            config=f'../ccfr_{data}.py',
            measure='reranked',
            reference='plain fine-tune',
        ),
    ]
]
