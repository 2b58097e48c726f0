"""The words of the simulated world; every name is invented, likeness to real works is chance."""

from collections.abc import Mapping

Words = Mapping[str, tuple[str, ...]]


def _split(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split("|"))


WORDS: Words = {
    "sujet": _split(
        "Le Silence|La Nuit|Les Heures|L'Écho|Le Jardin|La Maison|Les Chemins|L'Atlas|Le Bruit|"
        "La Mémoire|Les Promesses|L'Envers|Le Goût|La Saison|Les Lanternes|L'Archipel|Le Sel|"
        "La Traversée|Les Marées|L'Automne|Le Poids|La Couleur|Les Oiseaux|L'Herbier|Le Voyage|"
        "La Patience|Les Lettres|L'Inventaire|Le Vertige|La Lumière|Les Racines|L'Horizon|"
        "Le Rendez-vous|La Rumeur|Les Fenêtres|L'Île|Le Dernier Été|La Clé|Les Cendres|L'Aube"
    ),
    "de": _split(
        "des rivières|du phare|de la mer|de l'aube|de minuit|des hirondelles|du lac|de la vallée|"
        "de l'hiver|de novembre|des absents|du vent|de la neige|de l'oubli|de verre|des géants|"
        "du refuge|de la colline|de l'étang|d'argile|des voisins|du dimanche|de la forêt|"
        "de l'orage|de papier|des glycines|du port|de la montagne|de l'enfance|de sable|"
        "des tilleuls|du retour|de la pluie|de l'ombre|de soie|des marais|du matin|de la lune|"
        "de l'océan|de juin"
    ),
    "masculin": _split(
        "Fleuve|Jardin|Royaume|Serment|Printemps|Phare|Labyrinthe|Secret|Cercle|Miroir|Sentier|"
        "Voyageur|Veilleur|Messager|Passage|Rivage|Brasier|Sommet|Refuge|Tonnerre"
    ),
    "masculin_adjectif": _split(
        "perdu|secret|blanc|oublié|rouge|lointain|éternel|interdit|immobile|sauvage|fragile|"
        "invisible|brûlant|endormi|bleu|infini"
    ),
    "feminin": _split(
        "Rivière|Cité|Reine|Promesse|Saison|Tour|Forêt|Comète|Frontière|Légende|Couronne|"
        "Mélodie|Vague|Montagne|Mémoire|Porte|Lumière|Fugue|Chambre|Baie"
    ),
    "feminin_adjectif": _split(
        "perdue|secrète|blanche|oubliée|rouge|lointaine|éternelle|interdite|immobile|sauvage|"
        "fragile|invisible|brûlante|endormie|bleue|infinie"
    ),
    "prenom": _split(
        "Alice|Camille|Nina|Louise|Inès|Jeanne|Sarah|Léa|Margaux|Yasmine|Chloé|Anouk|Maëlle|"
        "Fatou|Salomé|Hugo|Gabriel|Karim|Léo|Malo|Théo|Samir|Antoine|Noé|Jules|Idriss|Victor|"
        "Bastien|Émile|Mathis"
    ),
    "nom": _split(
        "Vasseur|Marchand|Delorme|Benali|Rousselet|Tissier|Faure|Carpentier|Morvan|Lacombe|"
        "Diallo|Perrin|Chevalier|Garnier|Aubry|Sorel|Mercier|Kervella|Blanchet|Haddad|Fontaine|"
        "Ravel-Martin|Guérin|Lamotte|Nguyen|Poirier|Valette|Berthier|Coste|Roumagnac"
    ),
    "heros": _split(
        "Mikiro|Hanae|Ryuma|Sayuri|Kaito|Minori|Daigo|Natsuko|Tetsu|Yorimi|Haruki|Kanae|Shiron|"
        "Mizuko|Genzo|Reika|Takumi|Suzume|Kurogane|Nozomi"
    ),
    "monde_manga": _split(
        "Lames|Chroniques|Gardiens|Enfants|Échos|Légendes|Cartes|Masques|Fils|Voix"
    ),
    "tome": tuple(str(number) for number in range(1, 25)),
    "pays": _split(
        "Valdor|Brumelande|Sélénia|Korvane|Haute-Lande|Myrvalis|Torsenne|Tarnevent|Nébulia|Vismer|"
        "Cendrelune|Boréa"
    ),
    "crime": _split(
        "L'Affaire|Le Témoin|La Disparue|L'Inconnu|Les Noyés|Le Pacte|La Dernière Ronde|"
        "Le Suspect|L'Alibi|Les Ombres|La Fuite|Le Corbeau|La Filature|L'Héritière|Le Silence"
    ),
    "crime_lieu": _split(
        "du canal|de la gare|du col|de Saint-Aubin|des Trois-Fontaines|du lac noir|"
        "de la rue Haute|du quai 9|de Montferrand-le-Vieux|des Brotteaux|du barrage|de l'écluse|"
        "du vieux moulin|de la corniche|de Kerluz|de l'hôtel Bellevue"
    ),
    "amour": _split(
        "Un été|Une danse|Deux cœurs|Un hiver|Une lettre|Trois mots|Un baiser|Une promesse|"
        "Cent jours|Un dimanche|Une chance|Mille nuits"
    ),
    "amour_suite": _split(
        "avec toi|à Lisbonne|pour tout changer|sous la pluie|et des poussières|rien qu'à nous|"
        "loin de toi|au bord du lac|avant la fin|à contretemps|sans prévenir|pour Noël"
    ),
    "matiere": _split(
        "mathématiques|philosophie|histoire-géographie|physique-chimie|anglais|espagnol|"
        "sciences économiques|français|SVT|droit"
    ),
    "examen": _split("au bac|à Parcoursup|au BTS|à la licence|aux concours|au brevet"),
    "theme": _split(
        "le climat|l'attention|la ville|le travail|les réseaux|la démocratie|la colère|l'amitié|"
        "le sommeil|les écrans|la frontière|l'eau|l'argent|la lenteur|le courage|la fête|"
        "le corps|l'école"
    ),
    "verbe": _split(
        "Comprendre|Repenser|Habiter|Raconter|Apprivoiser|Réparer|Partager|Réinventer|Défendre|"
        "Écouter"
    ),
    "bd": _split(
        "Capitaine Boussole|Les Cousins Tartine|Zoé et le Robot|Agence Mystère|Lulu Tonnerre|"
        "Le Club des Toits|Professeur Pamplemousse|Les Astronautes du Dimanche|Rita Bagarre|"
        "Bouldozer|La Brigade du Goûter|Monsieur Nuage|Gaspard le Bref|Les Filles du Tram|"
        "Opération Baguette|Vermillon"
    ),
    "film": _split(
        "Rien à déclarer ce soir|Les Beaux Parleurs|Tout schuss|Dernier métro pour Brest|"
        "La Belle Équipée|On ira demain|Braquage à l'ancienne|Alerte rouge|Zone blanche|"
        "Les Invincibles du lundi|Maman part en tournée|Sans filet|Plein phare|La Ligne de crête|"
        "Mission Cachalot|Plan B comme Bernard|Les Passagers|À nos étés|Grand froid|"
        "Un cousin encombrant|Le Vol de la comète|Vertige 9|Les Petites Combines|La Brèche"
    ),
    "groupe_tete": _split(
        "Les Ondes|Radio|Nuit|Les Frères|Club|Tigre|Mirage|Velours|Cascade|Orage|Studio|Papillon|"
        "Les Filles|Bleu|Soleil|Radar"
    ),
    "groupe_queue": _split(
        "Nord|Minuit|Cobalt|Vertige|Zénith|Béton|Corail|Safran|Delta|Ouest|Océan|Fracas|Comète|Satin|"
        "Tropique|Chrome"
    ),
    "scene": _split(
        "Nyla|Kaïs|Selma B.|Orso|Mina Lune|Djaz|Soan K.|Ambre|Lys Noir|Vega|Tomas V.|Zéphyr|Iko|"
        "Maya Sol|Ruben|L'Ami Sam"
    ),
    "fete": _split(
        "Festival Les Nuits|Festival Grand Air|Festival Les Rives|Festival Sonic|"
        "Festival Les Échappées|Festival Belle Saison|Festival Hors Piste|Festival Les Clameurs"
    ),
    "fete_de": _split(
        "des Remparts|du Lac|de la Friche|des Tilleuls|du Fort|des Deux Rives|de la Halle|du Pré"
    ),
    "exposition": _split(
        "Visages|Lumières|Paysages|Matières|Traces|Mondes|Gestes|Couleurs|Mémoires|Rivages|Formes|"
        "Jardins"
    ),
    "technique": _split(
        "photographies|peintures|gravures|sculptures|installations|dessins|vidéos|céramiques"
    ),
    "niveau": _split(
        "premiers gestes|tous niveaux|initiation|perfectionnement|découverte|cycle court"
    ),
    "jeu": _split(
        "Bazar royal|Les Tours de Brume|Cartographes|Complot à Valdor|Tempête sur l'îlot|"
        "Nuit au musée|Grand Troc|Le Dernier Rempart|Runes et raisons|Mille Ponts|"
        "Enquête à bord|Dragons du dimanche"
    ),
    "enigme": _split(
        "Le Laboratoire|La Crypte|Le Sous-marin|Le Manoir|Le Train|L'Observatoire|Le Casino|"
        "La Station polaire"
    ),
    "marque": _split("Alba|Cordelia|Norvège 3|Prélude|Studio 61|Tempo|Vieux Chêne|Zéphyr"),
    "fourniture": _split("découverte|essentiel|grand format|de voyage|24 couleurs|professionnel"),
    "journal": _split(
        "Le Fil du jour|La Gazette des idées|Contrechamp|L'Éclaireur|Sciences en clair|Le Cahier|"
        "Horizons|La Revue des scènes"
    ),
    "plateforme": _split("Ondéa|Musicol|Sonorama|Platine+|Écoute Libre"),
    "duree": _split("1 mois|3 mois|6 mois"),
    "lieu": _split(
        "de la Lune|des Quais|du Vieux Port|de l'Horloge|des Tanneurs|du Marché|de la Fontaine|"
        "des Arts|de l'Étoile|du Pont|des Lilas|de la Gare|du Château|de la Source|"
        "des Halles|du Parc|de la Plume|de l'Encrier|du Canal|de la Fabrique"
    ),
    "enseigne": _split(
        "La Page blanche|Le Marque-page|L'Encre vive|Les Mots bleus|La Bulle|Au fil des pages|"
        "Le Chat qui lit|L'Échappée|Le Grain des mots|La Boussole|Les Feuilles volantes|"
        "Le Quai des livres|La Lucarne|L'Arbre à lettres|Le Passe-temps|Chapitre neuf"
    ),
    "ecran": _split(
        "Le Lux|Le Rex|L'Eldorado|Le Palace|L'Étoile|Le Club|Le Mélies|L'Éden|Le Capitole|"
        "Le Familia|Le Vox|Le Majestic"
    ),
    "salle": _split(
        "La Vapeur|Le Hangar|L'Usine|La Péniche|Le Tremplin|La Cave|Le Bocal|La Coupole|"
        "L'Entrepôt|Le Périscope|La Belle Onde|Le 106 bis"
    ),
    "musee": _split(
        "Musée des beaux-arts|Musée d'histoire|Musée de l'image|Muséum|Maison des sciences|"
        "Musée des arts et traditions|Musée de l'estampe|Centre de la photographie"
    ),
    "siecle": _split("du Moyen Âge à nos jours|au XVIIIe siècle|depuis 1900|hier et demain"),
    "lecteur": _split(
        "Coup de cœur des libraires.|À lire dès 15 ans.|Format poche.|Nouvelle édition.|"
        "Sélection du prix des lycéens.|Premier livre remarqué."
    ),
    "public": _split(
        "À partir de 12 ans.|Tout public.|Durée 1 h 30.|Une première œuvre remarquée.|"
        "Coup de cœur de l'équipe.|Nouveauté de la saison."
    ),
}
"""Lists of words by slot."""

PATTERNS: Words = {
    # Titles of works.
    "roman": (
        "{sujet} {de}",
        "Le {masculin} {masculin_adjectif}",
        "La {feminin} {feminin_adjectif}",
        "{prenom} et {prenom}",
    ),
    "romance": (
        "{amour} {amour_suite}",
        "{amour} {amour_suite}, tome {tome}",
        "{prenom} & {prenom}",
        "{sujet} {de}",
    ),
    "imaginaire": (
        "Les {monde_manga} de {pays}, tome {tome}",
        "{pays} : le {masculin} {masculin_adjectif}",
        "{pays} : la {feminin} {feminin_adjectif}",
        "La {feminin} de {pays}",
    ),
    "polar": (
        "{crime} {crime_lieu}",
        "{crime} {crime_lieu}",
        "Commissaire {nom} : {crime} {crime_lieu}",
    ),
    "poesie": ("{sujet} {de}, poèmes", "Carnet {de}", "{exposition} {de}"),
    "manga": (
        "{heros}, tome {tome}",
        "{heros} & {heros}, tome {tome}",
        "Les {monde_manga} de {heros}, tome {tome}",
        "La {feminin} de {heros}, tome {tome}",
    ),
    "bd": ("{bd}, tome {tome}", "{bd} : le {masculin} {masculin_adjectif}", "{sujet} {de}"),
    "essai": ("{verbe} {theme}", "{verbe} {theme} avec {prenom} {nom}", "{verbe} {theme}, enfin"),
    "scolaire": ("Réussir {examen} : {matiere}", "L'essentiel en fiches : {matiere}"),
    "piece": ("{sujet} {de}, théâtre", "{prenom} ou le {masculin} {masculin_adjectif}"),
    "beau_livre": ("{exposition} {de} : {technique}", "L'art en {technique}, {siecle}"),
    "film": (
        "{film}",
        "{sujet} {de}",
        "{prenom} {nom}",
        "{prenom} et {prenom}",
        "Le {masculin} {masculin_adjectif}",
        "La {feminin} {feminin_adjectif}",
        "Opération {pays}",
    ),
    "film_evenement": (
        "Avant-première : {sujet} {de}",
        "Ciné-débat : {theme}",
        "Nuit du cinéma : {film}",
        "Rencontre avec l'équipe de « {film} »",
    ),
    "festival_cine": ("Festival du film {de}", "Rencontres du court métrage {fete_de}"),
    "carte_cine": ("Carte 5 places", "Carte 10 places", "Carte duo 6 places"),
    "film_support": (
        "{sujet} {de} (DVD)",
        "{film} (Blu-ray)",
        "La {feminin} {feminin_adjectif} (DVD)",
    ),
    "concert": (
        "{scene}",
        "{groupe_tete} {groupe_queue}",
        "{scene} + {groupe_tete} {groupe_queue}",
        "{prenom} {nom} en concert",
        "{prenom} {nom} quartet",
    ),
    "festival_musique": ("{fete} {fete_de}", "{fete} {fete_de} : pass soirée"),
    "scene_ouverte": (
        "Scène ouverte {fete_de}",
        "Tremplin jeunes talents {fete_de}",
        "Bal pop {fete_de}",
    ),
    "album": (
        "{groupe_tete} {groupe_queue} : {sujet} {de}",
        "{scene} : {sujet} {de}",
        "{prenom} {nom} : La {feminin} {feminin_adjectif}",
    ),
    "abonnement_musique": ("{plateforme}, abonnement {duree}", "{plateforme} étudiants, {duree}"),
    "spectacle": (
        "{sujet} {de}",
        "{prenom} {nom} : « {verbe} {theme} »",
        "{prenom} ou le {masculin} {masculin_adjectif}",
        "La {feminin} {feminin_adjectif}",
        "{sujet} {de}, par la compagnie {groupe_tete} {groupe_queue}",
    ),
    "festival_spectacle": ("{fete} {fete_de}, arts vivants", "Les Scènes {fete_de}"),
    "abonnement_spectacle": ("Abonnement jeune, 4 spectacles", "Carte curieux, 3 spectacles"),
    "exposition": (
        "{exposition} {de}",
        "{prenom} {nom}, rétrospective",
        "{exposition} {de}, {siecle}",
    ),
    "visite": (
        "Visite guidée : {sujet} {de}",
        "Visite flash : {exposition} {de}",
        "Parcours commenté : {sujet} {de}",
    ),
    "patrimoine": ("Balade urbaine : {sujet} {de}", "Journée patrimoine : les secrets {fete_de}"),
    "carte_musee": ("Carte jeune du musée", "Pass annuel, moins de 26 ans"),
    "atelier": (
        "Atelier {genre_bas} : {niveau}",
        "Stage {genre_bas} avec {prenom} {nom}",
        "Atelier {genre_bas} : {sujet} {de}",
    ),
    "essai_atelier": ("Séance d'essai : {genre_bas}", "Une heure pour essayer : {genre_bas}"),
    "cours": ("Cours trimestriel : {genre_bas}", "Cours {genre_bas} avec {prenom} {nom}"),
    "materiel": (
        "Coffret {genre_bas} {fourniture}",
        "Set {genre_bas} {fourniture}, série {tome}",
    ),
    "escape_game": ("Escape game : {enigme} {de}", "{enigme} {de}, une heure pour sortir"),
    "soiree_jeu": ("Soirée jeux : {jeu}", "Tournoi : {jeu}"),
    "jeu": ("{jeu}", "{jeu} : extension {tome}"),
    "jeu_en_ligne": (
        "{pays} Online",
        "{pays} : la {feminin} {feminin_adjectif}",
        "{jeu}, version numérique",
    ),
    "abonnement_mediatheque": ("Carte médiathèque, 1 an", "Abonnement jeunes, médiathèque"),
    "salon_livre": ("Salon du livre {fete_de}", "Fête de la bande dessinée {fete_de}"),
    "lecture": ("Lecture : {sujet} {de}", "Lecture musicale par {prenom} {nom}"),
    "presse": ("{journal}, {duree}", "{journal} numérique, {duree}"),
    "podcast": ("{verbe} {theme}, le podcast", "{sujet} {de}, série audio"),
    "instrument": ("{genre} {marque}", "{genre} {marque}, pack débutant"),
    "location_instrument": ("Location : {genre_bas} {marque}, {duree}",),
    "conference": ("Conférence : {verbe} {theme}", "Grand débat : {theme}"),
    "rencontre": ("Rencontre avec {prenom} {nom}", "Dédicace : {prenom} {nom}"),
    # Names of venues.
    "librairie": ("Librairie {enseigne}", "Librairie {lieu}", "{enseigne}"),
    "mediatheque": ("Médiathèque {lieu}", "Bibliothèque {lieu}", "Médiathèque {prenom}-{nom}"),
    "cinema": ("Cinéma {ecran}", "{ecran}", "Ciné {lieu}"),
    "theatre": ("Théâtre {lieu}", "Théâtre {prenom}-{nom}", "Scène {lieu}"),
    "salle": ("{salle}", "{salle}, musiques actuelles", "Salle {lieu}"),
    "musee": ("{musee}", "{musee} {lieu}"),
    "disquaire": ("Disques {lieu}", "Le Sillon {lieu}", "Vinyles {enseigne}"),
    "atelier_lieu": ("Ateliers {lieu}", "La Fabrique {lieu}"),
    "centre_art": ("Centre culturel {lieu}", "Espace {prenom}-{nom}", "La Friche {lieu}"),
    "maison": ("Maison des jeunes {lieu}", "Maison {lieu}", "Foyer {lieu}"),
    "luthier": ("Musique {lieu}", "L'Atelier du luthier"),
    # Descriptions.
    "description_livre": (
        "{genre}, par {prenom} {nom}. {lecteur}",
        "{genre}. Le nouveau titre attendu, par {prenom} {nom}.",
    ),
    "description_dated": (
        "{genre}. Avec {prenom} {nom}. {public}",
        "{genre}, proposé par {prenom} {nom} et {prenom} {nom}. {public}",
        "{genre}. {public}",
    ),
    "description_other": ("{genre}. {public}", "{genre}, sélection de l'équipe."),
}
"""Patterns by wording."""
