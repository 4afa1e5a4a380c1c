"""torch.linalg: values and gradients."""

from tests.torch.recorded import expression

EXPRESSIONS = """
torch.linalg.inv(A)
torch.inverse(A)
torch.linalg.det(A)
torch.det(A)
torch.linalg.slogdet(A)
torch.slogdet(A)
torch.linalg.solve(A, v)
torch.linalg.solve(A, B)
torch.linalg.cholesky(P)
torch.cholesky(P) * 1
torch.linalg.cholesky(P, upper=True) * 1
torch.linalg.eigh(P)[0]
torch.linalg.eigvalsh(P)
torch.linalg.eigh(P)[1].abs()
torch.linalg.eigh(A)[0]
torch.linalg.eigh(A, UPLO='U')[1].abs()
torch.linalg.eigvalsh(A.detach())
torch.linalg.eigvalsh(A, 'U')
torch.linalg.eigvalsh(A.detach(), 'U')
torch.linalg.eigvalsh(A, 'X')
torch.linalg.svdvals(A)
torch.linalg.svd(A)[1]
torch.linalg.svd(x, full_matrices=False)[1]
torch.linalg.qr(A)[0].abs()
torch.linalg.qr(A)[1].abs()
torch.linalg.pinv(A) * 1
torch.linalg.lstsq(x.detach().T, v.detach()).solution if False else torch.linalg.matrix_rank(A)
torch.linalg.cond(A) * 1
torch.linalg.norm(v)
torch.linalg.norm(A)
torch.linalg.norm(A, 'nuc') * 1
torch.linalg.norm(A, 2) * 1
torch.linalg.norm(A, 1) * 1
torch.linalg.norm(A, float('inf')) * 1
torch.linalg.norm(v, 3)
torch.linalg.vector_norm(A)
torch.linalg.vector_norm(A, 1, dim=0)
torch.linalg.vector_norm(A, dim=1, keepdim=True)
torch.linalg.matrix_norm(A)
torch.linalg.matrix_power(A, 3)
torch.linalg.matrix_power(A, -1)
torch.linalg.multi_dot([A, B, v]) * 1
torch.linalg.cross(v, w)
torch.linalg.diagonal(A)
torch.linalg.eigvals(A.detach()).abs().sort().values
torch.linalg.matmul(A, B)
torch.logdet(P)
torch.linalg.vander(v) * 1
""".strip().splitlines()


def inputs(torch):
    def leaf(values):
        return torch.tensor(values, dtype=torch.float64, requires_grad=True)

    return {
        "A": leaf([[2.0, 0.5, -0.3], [0.1, 1.5, 0.4], [-0.2, 0.3, 1.8]]),
        "B": leaf([[0.3, 0.9, 0.1], [1.1, -0.4, 0.6], [0.5, 0.2, -0.7]]),
        "P": leaf([[2.0, 0.5, -0.3], [0.5, 1.5, 0.4], [-0.3, 0.4, 1.8]]),
        "x": leaf([[0.5, -1.25, 2.0], [1.5, 0.75, -0.3]]),
        "v": leaf([0.7, -1.1, 0.4]),
        "w": leaf([1.3, 0.2, -0.9]),
    }


CASES = {code: expression(code, inputs) for code in EXPRESSIONS}
