"""The words the generated business is made of: people's names, streets, cities, phone prefixes."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Locale:
    """One country of customers; ``mobile`` and ``landline`` are (prefix, number of digits after it)."""

    country: str
    language: str
    calling: str
    mobile: tuple[str, int]
    landline: tuple[str, int]
    weight: int
    first: tuple[str, ...]
    last: tuple[str, ...]
    streets: tuple[str, ...]
    cities: tuple[tuple[str, str], ...]


# ruff: noqa: RUF001 - names as people write them


def _words(text: str) -> tuple[str, ...]:
    return tuple(word.replace("_", " ") for word in text.split())


LOCALES = (
    Locale(
        country="Germany",
        language="de",
        calling="49",
        mobile=("151", 8),
        landline=("30", 8),
        weight=52,
        first=_words(
            "Anna Jürgen Björn Käthe Sören Lukas Mia Hannah Jörg Günther Silke Uwe Heike Leonie Felix Marlene "
            "Annegret Friederike Thorsten Ömer Ayşe Mehmet Zoë René Matthias Wiebke Konstantin Theresa"
        ),
        last=_words(
            "Müller Schröder Groß Weiß Schäfer Köhler Jäger Krüger Böhm Lüdenscheidt Hoffmeister Brandt Kowalski "
            "Yılmaz Öztürk Zimmermann Schneidereit von_Bülow Wächtersbach Strauß Lindqvist Petersen Niemöller "
            "Rosenbaum Dörfler Hartwig Engelbrecht Kirchhofer Vogelsang Winterfeldt Baumgärtner Seiffert"
        ),
        streets=_words(
            "Hauptstraße Lindenallee Am_Mühlbach Schloßgasse Bahnhofstraße Königsweg Gärtnerstraße Rosenweg Elbchaussee"
        ),
        cities=(
            ("10115", "Berlin"),
            ("80331", "München"),
            ("50667", "Köln"),
            ("20095", "Hamburg"),
            ("90402", "Nürnberg"),
        ),
    ),
    Locale(
        country="Austria",
        language="de",
        calling="43",
        mobile=("664", 7),
        landline=("1", 7),
        weight=10,
        first=_words("Franz Sepp Maria Veronika Christoph Johanna Kathrin Florian Elfriede Xaver Magdalena Ignaz"),
        last=_words(
            "Gruber Pichler Steiner Hofstätter Ebner Wöginger Kröll Obermayr Schwarzenegger Fuchsbichler Riegler"
        ),
        streets=_words("Mariahilfer_Straße Kärntner_Ring Getreidegasse Landstraße Am_Graben"),
        cities=(("1010", "Wien"), ("5020", "Salzburg"), ("8010", "Graz")),
    ),
    Locale(
        country="Switzerland",
        language="de",
        calling="41",
        mobile=("79", 7),
        landline=("44", 7),
        weight=8,
        first=_words("Urs Reto Beat Regula Vreni Céline Luca Noémie Jürg Ruedi Sandro Ladina"),
        last=_words("Ammann Bühler Zürcher Frei Rüegg Favre Cattaneo Inderbitzin Kälin Aeschlimann Brunschwiler"),
        streets=_words("Seefeldstrasse Rämistrasse Rue_du_Rhône Via_Nassa Bundesgasse"),
        cities=(("8001", "Zürich"), ("1201", "Genève"), ("3011", "Bern")),
    ),
    Locale(
        country="France",
        language="fr",
        calling="33",
        mobile=("61", 7),
        landline=("1", 8),
        weight=12,
        first=_words("François Chloé Aurélie Jérôme Hélène Benoît Éloïse Théo Anaïs Loïc Océane Gaëlle Étienne Maëlys"),
        last=_words(
            "Lefèvre Béranger D'Aubigné Garçon Lemaître Noël Desprès Château Fabré Rousseau Guérin Crépin Delaunay"
        ),
        streets=_words("rue_de_l'Église avenue_Foch boulevard_Voltaire rue_des_Écoles quai_Saint-Michel"),
        cities=(("75001", "Paris"), ("69001", "Lyon"), ("13001", "Marseille"), ("67000", "Strasbourg")),
    ),
    Locale(
        country="Spain",
        language="es",
        calling="34",
        mobile=("61", 7),
        landline=("91", 7),
        weight=8,
        first=_words("José María Íñigo Begoña Ángel Núria Raúl Sofía Andrés Lucía Joaquín Martín"),
        last=_words("García_Núñez Muñoz Ibáñez Peña Gutiérrez Castañeda Domínguez Zúñiga Echevarría Ordóñez Velázquez"),
        streets=_words("Calle_Mayor Gran_Vía Paseo_del_Prado Avenida_Diagonal Plaza_España"),
        cities=(("28001", "Madrid"), ("08001", "Barcelona"), ("41001", "Sevilla")),
    ),
    Locale(
        country="United Kingdom",
        language="en",
        calling="44",
        mobile=("74", 8),
        landline=("20", 8),
        weight=10,
        first=_words(
            "Oliver Siobhán Harriet Nigel Imogen Zoë Callum Priya Aisha Gareth Eleanor Rhiannon Desmond Fergus"
        ),
        last=_words("O'Connor MacAllister Featherstone Smith-Jones Okonkwo Patel Whitby Llewellyn Ashcroft Pemberton"),
        streets=_words("High_Street Station_Road Abbey_Lane Queensway Victoria_Terrace"),
        cities=(("SW1A 1AA", "London"), ("M1 1AE", "Manchester"), ("EH1 1YZ", "Edinburgh")),
    ),
)

CONSUMER_DOMAINS = ("mailbox.example", "freepost.example", "webmail.example", "inbox.example", "example.org")

COMPANY_WORDS = _words(
    "Nordwind Alpenblick Solaris Hafenkontor Lumière Quercus Veritas Blaupunkt Rheingold Kernwerk Tramontana Aurora "
    "Feldspat Zenit Mistral Kupferberg Sandstein Wellenreiter Bergkristall Morgenrot Silberfluss Terranova"
)
COMPANY_TRADES = _words("Bau Logistik Optik Gastro Textil Energie Medizin Software Handel Druck Möbel Garten")
COMPANY_FORMS = ("GmbH", "AG", "SARL", "Ltd", "SL", "KG")

ROLE_MAILBOXES = ("info", "office", "kontakt")
AGENT_NAMES = _words(
    "Petra_Sommerfeld Tobias_Rennert Ines_Achterberg Marek_Dvořák Fiona_Gallagher Yannick_Perrault Nele_Osterkamp "
    "Rashid_Haddad Carla_Montesinos Sven_Aldinger"
)
