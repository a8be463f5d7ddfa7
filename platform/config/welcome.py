"""What `make run` prints: addresses and demo accounts."""

from institute.schools import queries as schools


def lines(port: int) -> list[str]:
    """Addresses of the public host and of each open school."""
    rows = [f"  研究院与公共页面  http://localhost:{port}/"]
    rows += [f"  {t.name}  http://{t.slug}.localhost:{port}/" for t in schools.open_tenants()[:10]]
    return rows
