"""Addresses of a function instead of a person: info@, kontakt@, no-reply@.

Whoever answers such a mailbox changes, so the address says nothing about who somebody is. The list holds local
parts in the languages of our users; it errs on the short side, because a wrong entry only costs a join.
"""

_ROLES = frozenset(
    """
    abuse accounting accounts admin administrator anfrage ap ar atencion bestellung bestellungen bewerbung billing
    booking bookings buchhaltung bureau careers cliente clientes comercial commande commercial compras compta
    comptabilite contabilidad contabilita contact contacto contatto correo customer customercare customerservice
    datenschutz einkauf empfang enquiries enquiry facturacion feedback finance frontdesk hallo hello help helpdesk
    hola hostmaster hr info infos informacion inbox inquiries invoice invoices jobs kasse kontakt kundendienst
    kundenservice legal logistik mail mailbox marketing news newsletter noreply office order orders
    orga personal portal post postmaster praxis presse press privacy purchasing rechnung rechnungen reception
    recepcion redaktion reklamation reservation reservations reservierung root rrhh sales secretariat security
    sekretariat service servicio shop soporte support team technik unsubscribe vendas ventas vertrieb verwaltung
    webmaster werkstatt zentrale
    """.split()  # noqa: SIM905 - ninety quoted words would hide the list
)
_SEPARATORS = str.maketrans("", "", ".-_")


def is_role_address(address: str) -> bool:
    """Whether ``address`` belongs to a function: its local part without tag and separators is a known role."""
    local, _, _ = without_tag(address).strip().casefold().rpartition("@")
    return local.translate(_SEPARATORS) in _ROLES


def without_tag(address: str) -> str:
    """``address`` without the "+tag" that many providers deliver to the same mailbox."""
    local, at, domain = address.rpartition("@")
    bare, _, _ = local.partition("+")
    return f"{bare}{at}{domain}" if bare else address
