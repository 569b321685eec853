"""Nouns and adjectives: the things, people and places that the sentences are about."""

from nmtk.recipe.phrases.grammar import Adjective, Gender, Noun


def _nouns(table: str) -> tuple[Noun, ...]:
    """Nouns from lines of `apple apples m Apfel Äpfel`; a trailing `weak` marks those like der Junge."""
    genders = {"m": Gender.MASCULINE, "f": Gender.FEMININE, "n": Gender.NEUTER}
    result = []
    for line in table.strip().splitlines():
        one, many, gender, german_one, german_many, *weak = line.split()
        result.append(Noun(one, many, genders[gender], german_one, german_many, bool(weak)))
    return tuple(result)


def _adjectives(table: str) -> tuple[Adjective, ...]:
    """Adjectives from `red rot, dear teur`."""
    return tuple(Adjective(*entry.split()) for entry in table.split(","))


FOOD = _nouns("""
apple apples m Apfel Äpfel
egg eggs n Ei Eier
cake cakes m Kuchen Kuchen
orange oranges f Orange Orangen
tomato tomatoes f Tomate Tomaten
""")

SMALL = _nouns("""
book books n Buch Bücher
letter letters m Brief Briefe
key keys m Schlüssel Schlüssel
cup cups f Tasse Tassen
glass glasses n Glas Gläser
newspaper newspapers f Zeitung Zeitungen
picture pictures n Bild Bilder
bag bags f Tasche Taschen
""")
"""Things that are carried in the hand."""

LARGE = _nouns("""
chair chairs m Stuhl Stühle
table tables m Tisch Tische
bed beds n Bett Betten
lamp lamps f Lampe Lampen
suitcase suitcases m Koffer Koffer
bicycle bicycles n Fahrrad Fahrräder
car cars n Auto Autos
""")

BUILDINGS = _nouns("""
house houses n Haus Häuser
tower towers m Turm Türme
wall walls f Mauer Mauern
bridge bridges f Brücke Brücken
room rooms n Zimmer Zimmer
""")

VEHICLES = _nouns("""
train trains m Zug Züge
bus buses m Bus Busse
tram trams f Straßenbahn Straßenbahnen
ship ships n Schiff Schiffe
""")

EVENTS = _nouns("""
film films m Film Filme
course courses m Kurs Kurse
concert concerts n Konzert Konzerte
game games n Spiel Spiele
meeting meetings f Sitzung Sitzungen
party parties f Feier Feiern
""")

PEOPLE = _nouns("""
teacher teachers m Lehrer Lehrer
doctor doctors m Arzt Ärzte
boy boys m Junge Jungen weak
neighbour neighbours m Nachbar Nachbarn weak
woman women f Frau Frauen
girl girls n Mädchen Mädchen
child children n Kind Kinder
guest guests m Gast Gäste
""")

FAMILY = _nouns("""
brother brothers m Bruder Brüder
sister sisters f Schwester Schwestern
uncle uncles m Onkel Onkel
aunt aunts f Tante Tanten
daughter daughters f Tochter Töchter
""")

BIRTHDAY = Noun("birthday", "birthdays", Gender.MASCULINE, "Geburtstag", "Geburtstage")

DRINKS = _nouns("""
milk milk f Milch Milch
water water n Wasser Wasser
juice juice m Saft Saft
""")
"""Measured in litres and bottles; no plural."""

STAPLES = _nouns("""
bread bread n Brot Brot
meat meat n Fleisch Fleisch
cheese cheese m Käse Käse
""")
"""Measured in kilos; no plural."""

NAMES = ("Anna", "Paul", "Maria", "Tom", "Lena")
CITIES = (("Berlin", "Berlin"), ("Hamburg", "Hamburg"), ("Vienna", "Wien"), ("Munich", "München"), ("Cologne", "Köln"))

OF_FOOD = _adjectives("fresh frisch,big groß,small klein,good gut,cheap billig")
OF_THINGS = _adjectives(
    "red rot,green grün,black schwarz,white weiß,new neu,old alt,big groß,small klein,beautiful schön,cheap billig,"
    "expensive teur,heavy schwer"
)
OF_PLACES = _adjectives("big groß,small klein,old alt,new neu,beautiful schön")
OF_PEOPLE = _adjectives("old alt,young jung,new neu,small klein,friendly freundlich")
OF_DRINKS = _adjectives("cold kalt,warm warm,fresh frisch")
OF_STAPLES = _adjectives("fresh frisch,good gut,cheap billig")
