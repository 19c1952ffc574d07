"""Few training images: CCFR must not be worse than the plain fine-tune.

Cuts of the training sets, the same for both, stratified by class; gallery and
label tree are made of the cut. The lengths of the stages follow from it.
"""

title = 'Cuts of 300, 1,000 and 3,000 training images'
seeds = (0, 1, 2)

# Images, end of the configs' names, and one of how many parts.
cuts = [
    ('fonts', 280, 'fonts', 3),
    ('Grocery', 293, 'grocery', 9),
    ('fonts', 840, 'fonts', None),
    ('Grocery', 880, 'grocery', 3),
    ('birds', 1000, 'cub2010_lite0', 3),
    ('birds', 3000, 'cub2010_lite0', None),
]
rows = []
for group, images, data, parts in cuts:
    holdout = parts and dict(num_folds=parts, part='held_out')
    # The demo has lengths that its ten minutes allow for 840 images.
    change = dict(overrides=dict(holdout=holdout)) if parts else {}
    if parts and data == 'fonts':
        change['overrides']['stage_epochs'] = None
    plain = dict(change, name='plain', config=f'../baseline_{data}.py')
    ccfr = dict(change, name='CCFR', config=f'../ccfr_{data}.py')
    rows += [
        dict(row, group=f'{group}, {images} images')
        for row in (plain, ccfr, dict(ccfr, name='CCFR, re-ranked'))
    ]
    rows[-1].update(measure='reranked', reference='plain')
del change, plain, ccfr, holdout, group, images, data, parts
