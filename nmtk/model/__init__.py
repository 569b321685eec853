"""The Transformer (Vaswani et al. 2017), from the leaves up.

The shape of a tensor stands in its name; every letter means the same in the whole folder:

    B sentences          H heads                 R = B * W rows, sentence by sentence
    S source positions   K width of a head       1 an axis that is broadcast
    T target positions   F width of the feed-forward
    D width              V vocabulary
    W beams of a sentence (rows that share a source)

In attention, T stands for the positions that ask (queries) and S for those that answer (keys and values).
Batch first, padding on the right. Masks are bool, named `keep_`, and True means: attend.
"""
