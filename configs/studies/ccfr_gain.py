"""Is CCFR more accurate than a plain fine-tune, and does re-ranking help?

By the shipped configs: the plain fine-tune of the same input, the one of the
same cost, and the three answers of CCFR.
"""

title = 'CCFR against a plain fine-tune'
seeds = (0, 1, 2)

datasets = {'birds': 'cub2010_lite0', 'Grocery': 'grocery'}
# The input of 320 pixels costs what the crops of CCFR do.
same_cost = {'birds': 'cub2010_lite0_320'}


rows = []
for group, data in datasets.items():
    plain = dict(name='plain', config=f'../baseline_{data}.py')
    ccfr = dict(config=f'../ccfr_{data}.py')
    final = dict(ccfr, name='CCFR, re-ranked', measure='reranked')
    tables = {
        group: [
            plain,
            dict(plain, name='plain, re-ranked', measure='reranked'),
            dict(ccfr, name='CCFR, coarse', reference='plain'),
            dict(final, reference='plain'),
        ],
        f'{group}, what re-ranking does': [
            dict(ccfr, name='CCFR, coarse'),
            dict(ccfr, name='CCFR, retrieval', measure='retrieval'),
            dict(final, reference='CCFR, coarse'),
        ],
    }
    if group in same_cost:
        larger = dict(config=f'../baseline_{same_cost[group]}.py')
        tables[f'{group}, at the same cost'] = [
            dict(larger, name='plain'),
            dict(larger, name='plain, re-ranked', measure='reranked'),
            dict(final, reference='plain'),
        ]
    rows += [dict(row, group=name) for name in tables for row in tables[name]]
del plain, ccfr, final, tables, larger, group, data
