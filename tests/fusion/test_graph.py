"""Graph attention between sources, node by node."""

from __future__ import annotations

import torch
from fusion_rows import THREE, build, mapped, some_missing


def test_graph_attention_node_by_node() -> None:
    parts, fusion = some_missing(), build("graph")
    found = fusion(parts)
    names = sorted(THREE)
    for row in range(4):
        nodes = mapped(fusion, parts, row)
        for layer in fusion.graph:
            values = {n: (layer.map.weight @ h).view(2, 4) for n, h in nodes.items()}
            after = {}
            for i, h in nodes.items():
                heads = []
                for head in range(2):
                    edges = torch.stack([
                        layer.asks[head] @ values[i][head] + layer.answers[head] @ values[j][head]
                        for j in nodes
                    ])  # fmt: skip
                    edges = torch.where(edges > 0, edges, 0.2 * edges).exp()
                    shares = edges / edges.sum()
                    heads.append(
                        sum(s * values[j][head] for s, j in zip(shares, nodes, strict=True))
                    )
                joined = torch.cat(heads)
                after[i] = h + torch.where(joined > 0, joined, joined.exp() - 1)
            nodes = after
        for name, node in nodes.items():
            assert torch.allclose(found.tokens[row, names.index(name)], node, atol=1e-5)
        expected = torch.stack(list(nodes.values())).mean(dim=0)
        assert torch.allclose(found.pooled[row], expected, atol=1e-5)
