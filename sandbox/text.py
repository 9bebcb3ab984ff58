"""Free text as customers, agents and rules write it, with personal values inside on purpose.

Templates are ``str.format`` patterns; every text holds something of its own (a name, an order number), so that a
leak scanner that looks for it cannot be misled by a stock phrase.
"""

SUBJECTS = {
    "de": (
        "Bestellung {n} noch nicht angekommen",
        "Frage zur Rechnung {n}",
        "Anmeldung geht nicht (Fall {n})",
        "Rückgabe {n}",
    ),
    "fr": ("Commande {n} non reçue", "Question sur la facture {n}", "Connexion impossible, dossier {n}"),
    "es": ("Pedido {n} no recibido", "Pregunta sobre la factura {n}", "No puedo iniciar sesión, caso {n}"),
    "en": ("Order {n} has not arrived", "Question about invoice {n}", "Cannot log in, case {n}", "Return of order {n}"),
}
OPENINGS = {
    "de": (
        "Guten Tag, hier ist {name}. Meine Bestellung {n} fehlt. Bitte rufen Sie mich unter {phone} an.",
        "Hallo, meine Adresse ist jetzt {address}. Bitte Rechnung {n} neu ausstellen. Viele Grüße, {name}",
        "Ich komme nicht in mein Konto {email}, Vorgang {n}. Danke! {name}",
    ),
    "fr": (
        "Bonjour, je m'appelle {name}. Ma commande {n} n'est pas arrivée. Mon numéro : {phone}.",
        "Bonjour, ma nouvelle adresse est {address} (facture {n}). Cordialement, {name}",
    ),
    "es": (
        "Hola, soy {name}. El pedido {n} no ha llegado. Mi teléfono es {phone}.",
        "Hola, mi correo {email} no funciona para el pedido {n}. Gracias, {name}",
    ),
    "en": (
        "Hello, this is {name}. My order {n} is missing. You can call me on {phone}.",
        "Hi, I moved to {address}. Please send invoice {n} again. Thanks, {name}",
        "I cannot log in as {email} (case {n}). Regards, {name}",
    ),
}
FOLLOW_UPS = {
    "de": ("Danke, aber zu {n} fehlt mir noch eine Antwort. {name}", "Es klappt leider immer noch nicht ({n}). {name}"),
    "fr": ("Merci, mais le dossier {n} n'est pas réglé. {name}",),
    "es": ("Gracias, pero el caso {n} sigue igual. {name}",),
    "en": ("Thank you, but {n} is still open for me. {name}", "It still does not work ({n}). {name}"),
}
OUTREACH = (
    "Hello {name}, order {n} came back to us. Is {address} still right?",
    "Guten Tag {name}, zu {n} fehlt uns eine Angabe. Dürfen wir Sie unter {phone} anrufen?",
)
REPLIES = (
    "Hello {name}, thank you for writing. We are looking into {n} and will come back to you.",
    "Guten Tag {name}, der Vorgang {n} ist in Arbeit. Wir melden uns.",
    "Dear {name}, {n} has been sent to {address}.",
)
NOTES = ("Internal: {name} called from {phone} about {n}.", "Internal: checked {n}, mail goes to {email}.")
RULE_TEXT = "Automatic message: your request {n} has been received, {name}."
BOT_TEXT = "Hi {name}, I am the assistant. Did this article solve {n}?"
MERGE_TEXT = "This request was closed and merged into request #{target}. ({name})"
RATING_COMMENTS = (
    "Very helpful, thanks from {name} ({n})",
    "Zu langsam bei {n}. {name}",
    "Alles bestens, {name}, Vorgang {n}",
)
SURVEY_COMMENTS = (
    "{name}: would recommend, order {n} was perfect",
    "Bin nicht zufrieden mit {n}, bitte an {email} schreiben. {name}",
    "Facile à utiliser, {name} ({n})",
)
